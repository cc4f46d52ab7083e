//! Who is let in at the moment: the configuration that is in force, followed while its files change.

use super::{ConfigError, WebConfig, files::Files};
use log::{error, info, warn};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// So often the files are looked at, at most.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) struct LiveConfig {
    /// Absent: there is no file, and nothing to follow.
    path: Option<PathBuf>,
    files: Files,
    /// The configuration in force; while it is not `is_sound`, the one that was before.
    current: Arc<WebConfig>,
    is_sound: bool,
    checked: Instant,
    generation: u64,
}

impl LiveConfig {
    /// Reads the file, if there is one. A broken one is an error.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Self, ConfigError> {
        let mut files = Files::default();
        let current = path.as_deref().map(|path| WebConfig::read(path, &mut files)).transpose()?;
        let current = Arc::new(current.unwrap_or_default());
        current.notes.iter().for_each(|note| warn!(note = note.as_str(); "--web.config.file"));
        Ok(Self { path, files, current, is_sound: true, checked: Instant::now(), generation: 0 })
    }

    /// What holds for a new connection or request; nothing while the files are broken.
    pub(crate) fn current(&self) -> Option<&Arc<WebConfig>> {
        Some(&self.current).filter(|_| self.is_sound)
    }

    /// Header lines for answers, also for those that say that nobody is let in.
    pub(crate) fn header_lines(&self) -> &[u8] {
        &self.current.header_lines
    }

    /// Changes with every change of the files.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Follows the files if they were not looked at just now.
    pub(crate) fn check_files(&mut self, now: Instant) {
        if self.path.is_some() && now >= self.checked + CHECK_INTERVAL {
            self.checked = now;
            if self.files.have_changed() {
                self.reload();
            }
        }
    }

    /// Reads the files anew.
    pub(crate) fn reload(&mut self) {
        let Some(path) = &self.path else { return };
        let mut files = Files::default();
        let outcome = WebConfig::read(path, &mut files).and_then(|new| new.not_weaker_than(&self.current));
        (self.files, self.generation) = (files, self.generation + 1);
        self.is_sound = outcome.is_ok();
        match outcome {
            Ok(current) => {
                info!(file:% = path.display(); "the web configuration was read anew");
                current.notes.iter().for_each(|note| warn!(note = note.as_str(); "--web.config.file"));
                self.current = Arc::new(current);
            }
            Err(cause) => {
                error!(file:% = path.display(), cause:% = cause; "the web configuration is broken: nobody is let in until it is mended");
            }
        }
    }
}
