//! Why families of the workers are left out of a page: the label `reason` of `promshm_left_out_families`.

/// Why a family is left out of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LeftOutReason {
    /// The exporter has a metric of that name.
    OwnName = 0,
    /// In `OpenMetrics`: its name, or its name with a suffix, is taken.
    NameClash = 1,
    /// An earlier segment has a family of that name with another type.
    TypeConflict = 2,
    /// A younger process defines the name otherwise, while a process that counts by this definition is alive.
    Superseded = 3,
}

impl LeftOutReason {
    pub(crate) const ALL: [Self; 4] = [Self::OwnName, Self::NameClash, Self::TypeConflict, Self::Superseded];

    /// The value of the label `reason`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::OwnName => "own_name",
            Self::NameClash => "name_clash",
            Self::TypeConflict => "type_conflict",
            Self::Superseded => "superseded",
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::OwnName => "a worker's metric is left out: the exporter has one of that name",
            Self::NameClash => {
                "a metric is left out of OpenMetrics pages: its name, or its name with a suffix, is taken"
            }
            Self::TypeConflict => {
                "a metric is left out: a segment before this one has it with another type; rename one of them"
            }
            Self::Superseded => {
                "what living workers count is left out: a younger worker defines the metric otherwise; use one \
                 definition, or another name"
            }
        }
    }
}

/// How many families are left out, in the order of [`LeftOutReason::ALL`].
pub(crate) type LeftOut = [u64; LeftOutReason::ALL.len()];
