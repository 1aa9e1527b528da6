//! How the end-to-end tests in `tests/` run the real `pocketwatt`: in a folder of their own, with the fake backend.
