//! Who started the server in a folder: an advisory lock that ends with its process, however it ends.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek, Write},
    path::Path,
};

use crate::Error;

/// Held by the process that started the server, until that has stopped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// The lock, or `None` while another process (or another part of this one) holds it.
    pub fn try_take(path: &Path) -> Result<Option<Self>, Error> {
        let io = |source| Error::Io { path: path.into(), source };
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {
                let mut lock = Self { file };
                lock.say_stopping();
                Ok(Some(lock))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }

    /// Whether the holder's server accepts connections and has its database.
    pub fn holder_is_ready(path: &Path) -> bool {
        fs::read_to_string(path).is_ok_and(|text| text == READY)
    }

    /// Lets others use the server.
    pub fn say_ready(&self) -> io::Result<()> {
        let mut file = &self.file;
        file.rewind()?;
        file.write_all(READY.as_bytes())
    }

    /// Lets others wait until the lock is free instead of using a server that is about to go.
    pub fn say_stopping(&mut self) {
        let _ = self.file.set_len(0);
    }
}

const READY: &str = "ready\n";
