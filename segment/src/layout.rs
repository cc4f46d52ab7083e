//! layout
pub(crate) const UNSET: u64 = 0x7ff4_7073_686d_0001;
