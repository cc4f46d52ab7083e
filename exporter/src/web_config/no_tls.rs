//! Stands in for `tls` in a build without the feature `tls`: no TLS configuration can be made, so no session exists.

use super::{error::ConfigError, files::Files, yaml::Section};
use mio::net::TcpStream;
use std::{
    convert::Infallible,
    io::{self, IoSlice},
    path::Path,
};

#[derive(Debug)]
pub(crate) enum Tls {}

impl Tls {
    /// Always fails: whoever configures TLS must not be served without it.
    pub(super) fn read(
        _: Section<'_>,
        _: &Path,
        _: &mut Files,
        _: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let mend = "take one with it: the image whose tag ends in -tls, or a release's archive";
        Err(ConfigError::Tls(format!("this exporter was built without TLS; {mend}")))
    }

    pub(crate) fn begin(&self) -> Result<Session, Infallible> {
        match *self {}
    }
}

pub(crate) enum Session {}

impl Session {
    pub(crate) fn is_handshaking(&self) -> bool {
        match *self {}
    }

    pub(crate) fn is_fresh(&self) -> bool {
        match *self {}
    }

    pub(crate) fn read(&mut self, _: &mut TcpStream, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn write(&mut self, _: &mut TcpStream, _: &[IoSlice<'_>]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn flush(&mut self, _: &mut TcpStream) -> io::Result<bool> {
        match *self {}
    }

    pub(crate) fn finish(&mut self, _: &mut TcpStream) {
        match *self {}
    }
}
