//! System V shared memory and semaphores.
