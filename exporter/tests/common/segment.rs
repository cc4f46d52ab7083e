//! Segments for one test each, removed on drop.

use nix::libc;
use promshm_segment::SegmentName;
use std::sync::Mutex;

static TAKEN: Mutex<i32> = Mutex::new(0);

/// A key that no other test uses, and the objects under it.
pub struct OwnSegment {
    pub name: SegmentName,
}

impl OwnSegment {
    /// An unused key.
    pub fn absent() -> Self {
        let mut taken = TAKEN.lock().expect("no test panics here");
        *taken += 1;
        let pid = i32::try_from(std::process::id()).expect("a pid");
        let own = Self { name: SegmentName::Sysv(0x2000_0000 + pid * 64 + *taken) };
        own.remove(); // a killed run with our pid may have left it
        own
    }

    /// `size` bytes of shared memory without a valid header.
    pub fn foreign(size: usize, mode: i32) -> Self {
        let own = Self::absent();
        // SAFETY: makes a new object of our own key; no memory is touched.
        let id = unsafe { libc::shmget(own.key(), size, libc::IPC_CREAT | libc::IPC_EXCL | mode) };
        assert!(id >= 0, "shmget: {}", std::io::Error::last_os_error());
        own
    }

    pub fn key(&self) -> i32 {
        let SegmentName::Sysv(key) = self.name else { unreachable!("absent() names no other") };
        key
    }

    /// Overwrites a word of the memory.
    pub fn poke(&self, offset: usize, word: u64) {
        // SAFETY: the kernel chooses a free address; the segments of these tests hold `offset`, which is a
        // multiple of 8; no reference into the mapping is made, and it ends here.
        unsafe {
            let address = libc::shmat(libc::shmget(self.key(), 0, 0), std::ptr::null(), 0);
            assert_ne!(address.addr(), usize::MAX, "shmat: {}", std::io::Error::last_os_error());
            address.byte_add(offset).cast::<u64>().write_volatile(word);
            libc::shmdt(address);
        }
    }

    /// Whether no semaphores exist under the key.
    pub fn has_no_semaphores(&self) -> bool {
        // SAFETY: no pointers are passed.
        unsafe { libc::semget(self.key(), 0, 0) == -1 }
    }

    /// Removes memory and semaphores.
    pub fn remove(&self) {
        // SAFETY: removing an object by its id touches no memory of this process.
        unsafe {
            libc::shmctl(libc::shmget(self.key(), 0, 0), libc::IPC_RMID, std::ptr::null_mut());
            libc::semctl(libc::semget(self.key(), 0, 0), 0, libc::IPC_RMID);
        }
    }
}

impl Drop for OwnSegment {
    fn drop(&mut self) {
        self.remove();
    }
}
