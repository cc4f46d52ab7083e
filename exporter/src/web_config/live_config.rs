//! The web configuration in force, which is read again when its files change.

use super::{ConfigError, WebConfig, files::Files};
use log::{error, info, warn};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// The files are checked at most this often.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) struct LiveConfig {
    /// Absent: there is no file.
    path: Option<PathBuf>,
    files: Files,
    /// The last valid configuration; in force while `is_sound`.
    current: Arc<WebConfig>,
    is_sound: bool,
    checked: Instant,
    generation: u64,
}

impl LiveConfig {
    /// Reads the file, if there is one. An invalid file is an error.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Self, ConfigError> {
        let mut files = Files::default();
        let current = path.as_deref().map(|path| WebConfig::read(path, &mut files)).transpose()?;
        let current = Arc::new(current.unwrap_or_default());
        current.notes.iter().for_each(|note| warn!(note = note.as_str(); "--web.config.file"));
        Ok(Self { path, files, current, is_sound: true, checked: Instant::now(), generation: 0 })
    }

    /// The configuration for new connections and requests; `None` while the files are invalid.
    pub(crate) fn current(&self) -> Option<&Arc<WebConfig>> {
        Some(&self.current).filter(|_| self.is_sound)
    }

    /// Header lines for all responses, including rejections while the files are invalid.
    pub(crate) fn header_lines(&self) -> &[u8] {
        &self.current.header_lines
    }

    /// Incremented with each change of the files.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Reads the files again if they have changed and the last check is long enough ago.
    pub(crate) fn check_files(&mut self, now: Instant) {
        if self.path.is_some() && now >= self.checked + CHECK_INTERVAL {
            self.checked = now;
            if self.files.have_changed() {
                self.reload();
            }
        }
    }

    /// Reads the files again.
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
