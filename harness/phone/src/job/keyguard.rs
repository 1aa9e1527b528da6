//! `dumpsys window`: whether the phone is locked. The lock screen switches the screen off after some seconds, whatever the settings are,
//! and an unplugged phone with its screen off sleeps.

/// Whether the keyguard is shown, and whether only the user can take it away; `None` if the text does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keyguard {
    pub(super) showing: bool,
    pub(super) secure: bool,
}

impl Keyguard {
    /// Reads the text: the first line with each key counts.
    pub(super) fn read(text: &str) -> Option<Self> {
        let value = |keys: &[&str]| {
            let mut words = text.split_ascii_whitespace().filter_map(|word| word.split_once('='));
            words
                .find(|(key, value)| keys.contains(key) && matches!(*value, "true" | "false"))
                .map(|(_, v)| v == "true")
        };
        // KeyguardServiceDelegate of Android 9 to 16; the window policy's own words of before.
        let showing = value(&["showing", "mShowingLockscreen", "mKeyguardShowing"])?;
        // Without a word about it, a lock screen needs the user.
        Some(Self { showing, secure: value(&["secure"]).unwrap_or(true) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_phone_is_recognised() {
        let policy = |showing, secure| {
            let text = format!(
                "    KeyguardServiceDelegate\n      showing={showing}\n      showingAndNotOccluded=true\n      inputRestricted=false\n      occluded=false\n      secure={secure}\n"
            );
            Keyguard::read(&text).unwrap()
        };
        assert_eq!(policy(true, true), Keyguard { showing: true, secure: true });
        assert_eq!(policy(true, false), Keyguard { showing: true, secure: false });
        assert_eq!(policy(false, true), Keyguard { showing: false, secure: true });
        let old = "  mShowingLockscreen=true mShowingDream=false mDreamingLockscreen=true\n";
        assert_eq!(Keyguard::read(old), Some(Keyguard { showing: true, secure: true }));
        assert_eq!(Keyguard::read("WINDOW MANAGER LAST ANR\n  showing=maybe"), None);
    }
}
