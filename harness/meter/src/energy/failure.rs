//! What an error of the system means for a meter.

use std::{fmt::Display, io};

use rustix::io::Errno;

use super::{Reason, Unavailable};

/// Why a reading failed. `gone` is the reason for errors that say that the file or the device behind it does not exist.
/// Every other error says that the device exists and does not answer now: drivers pass on whatever their bus reports.
pub(super) fn failure(error: &io::Error, gone: Reason, what: impl Display) -> Unavailable {
    let errno = Errno::from_io_error(error);
    let reason = errno.map_or(Reason::Unreadable, |errno| reason(errno, gone));
    let hint = match errno.and_then(name) {
        Some((name, meaning)) => format!("{what}: {meaning} ({name})"),
        None => format!("{what}: {error}"),
    };
    Unavailable::new(reason, hint)
}

fn reason(errno: Errno, gone: Reason) -> Reason {
    match errno {
        Errno::ACCESS | Errno::PERM => Reason::NotPermitted,
        Errno::NOENT | Errno::NODEV | Errno::NXIO | Errno::NOTDIR | Errno::STALE => gone,
        _ => Reason::Unreadable,
    }
}

/// Whether an immediate retry may help.
pub(crate) fn may_answer_at_once(error: &io::Error) -> bool {
    Errno::from_io_error(error).is_some_and(|errno| reason(errno, Reason::Vanished) == Reason::Unreadable)
}

/// Names as in errno(3), with what meter drivers mean by them; `None` where the usual text says enough.
fn name(errno: Errno) -> Option<(&'static str, &'static str)> {
    Some(match errno {
        Errno::AGAIN => ("EAGAIN", "the driver is busy"),
        Errno::BUSY => ("EBUSY", "the device is busy"),
        Errno::INTR => ("EINTR", "a signal came in between"),
        Errno::TIMEDOUT => ("ETIMEDOUT", "the device did not answer in time"),
        Errno::REMOTEIO => ("EREMOTEIO", "the device on the bus did not answer"),
        Errno::IO => ("EIO", "the driver could not read its device"),
        Errno::NODATA => ("ENODATA", "the driver has no value"),
        Errno::INVAL => ("EINVAL", "the driver has no valid value"),
        Errno::RANGE => ("ERANGE", "the driver's value is out of range"),
        Errno::OVERFLOW => ("EOVERFLOW", "the driver's value is out of range"),
        Errno::PROTO => ("EPROTO", "the device answered with nonsense"),
        Errno::OPNOTSUPP => ("EOPNOTSUPP", "the driver does not support this reading"),
        Errno::NODEV => ("ENODEV", "the device is gone"),
        Errno::NXIO => ("ENXIO", "the device is gone"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_gone_is_gone() {
        let reason = |errno: Errno| failure(&errno.into(), Reason::Vanished, "x").reason;
        for busy in [
            Errno::AGAIN,
            Errno::BUSY,
            Errno::TIMEDOUT,
            Errno::REMOTEIO,
            Errno::IO,
            Errno::NODATA,
            Errno::INVAL,
            Errno::PROTO,
            Errno::OVERFLOW,
            Errno::RANGE,
            Errno::OPNOTSUPP,
            Errno::NOMEM,
            Errno::NETDOWN,
        ] {
            assert_eq!(reason(busy), Reason::Unreadable, "{busy:?}");
        }
        for gone in [Errno::NODEV, Errno::NXIO, Errno::NOENT, Errno::STALE] {
            assert_eq!(reason(gone), Reason::Vanished, "{gone:?}");
        }
        assert_eq!(reason(Errno::ACCESS), Reason::NotPermitted);
    }

    #[test]
    fn an_error_is_named_in_words() {
        let hint = |errno: Errno| failure(&errno.into(), Reason::Vanished, "power1_input").hint;
        assert_eq!(hint(Errno::AGAIN), "power1_input: the driver is busy (EAGAIN)");
        assert_eq!(hint(Errno::REMOTEIO), "power1_input: the device on the bus did not answer (EREMOTEIO)");
        assert!(hint(Errno::ACCESS).starts_with("power1_input: Permission denied"), "{}", hint(Errno::ACCESS));
        let other = io::Error::other("the pipe broke");
        assert_eq!(failure(&other, Reason::Vanished, "x").hint, "x: the pipe broke");
    }
}
