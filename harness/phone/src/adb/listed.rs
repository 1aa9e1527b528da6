//! What `adb devices -l` lists.

use std::fmt;

/// A phone's serial number, or the address of a phone in the network. It identifies a person's phone, so it is an argument of adb
/// and a choice for the user, and never part of a record: it has no text form other than the two methods.
#[derive(Clone, PartialEq, Eq)]
pub struct Serial(String);

impl Serial {
    /// The serial number as adb lists it.
    pub fn new(serial: impl Into<String>) -> Self {
        Self(serial.into())
    }

    pub(super) fn as_argument(&self) -> &str {
        &self.0
    }

    /// For the list from which a user chooses; untrusted.
    pub fn for_the_user(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("Serial(..)")
    }
}

/// A phone in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// How adb tells it from others.
    pub serial: Serial,
    /// Whether it can be asked.
    pub state: State,
    /// Its model with `_` for blanks, where adb knows it; untrusted.
    pub model: Option<String>,
}

/// The state of a phone, by adb's word for it (adb's `connection_state_name`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be asked. adb also says so of a phone that has stopped answering.
    Device,
    /// It waits for its user's consent, or was refused it.
    Unauthorized,
    /// It is about to ask its user.
    Authorizing,
    /// The connection is being made.
    Connecting,
    /// It is known, and does not answer.
    Offline,
    /// This machine's user may not open the USB device.
    NoPermissions,
    /// It runs its boot loader.
    Bootloader,
    /// It runs its recovery system.
    Recovery,
    /// It waits for a system to be installed.
    Sideload,
    /// It runs its rescue system.
    Rescue,
    /// Another server of adb has it.
    Detached,
    /// It is no phone, but another computer.
    Host,
    /// adb does not know either.
    Unknown,
}

impl State {
    /// Words of adb; that for missing permissions has a text of its own behind it.
    const WORDS: [(&'static str, Self); 13] = [
        ("device", Self::Device),
        ("unauthorized", Self::Unauthorized),
        ("authorizing", Self::Authorizing),
        ("connecting", Self::Connecting),
        ("offline", Self::Offline),
        ("no permissions", Self::NoPermissions),
        ("bootloader", Self::Bootloader),
        ("recovery", Self::Recovery),
        ("sideload", Self::Sideload),
        ("rescue", Self::Rescue),
        ("detached", Self::Detached),
        ("host", Self::Host),
        ("unknown", Self::Unknown),
    ];

    /// adb's word.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, state)| *state == self).map_or("unknown", |(word, _)| word)
    }
}

impl Listed {
    /// Reads the text of `adb devices -l`. Messages about the server's start may come before the list.
    pub fn read(text: &str) -> Vec<Self> {
        const HEADER: &str = "List of devices attached";
        text.lines().skip_while(|line| !line.starts_with(HEADER)).skip(1).filter_map(Self::line).collect()
    }

    /// Reads `0123456789ABCDEF       device usb:1-1 product:grizzly model:Pixel_11_Pro device:grizzly transport_id:1`. A serial
    /// number may contain blanks, as that of the second phone of one name in a network: `adb-X (2)._adb-tls-connect._tcp`.
    fn line(line: &str) -> Option<Self> {
        let begins = |at: usize| {
            let rest = line[at..].trim_start();
            let word = State::WORDS.iter().find(|(word, _)| {
                rest.strip_prefix(word)
                    .is_some_and(|after| after.is_empty() || after.starts_with([' ', '\t', ';', '\r']))
            });
            word.map(|(_, state)| (at, *state))
        };
        let blanks = line.match_indices([' ', '\t']).map(|(at, _)| at);
        let (at, state) = blanks.filter(|at| *at > 0).find_map(begins)?;
        let model = line[at..].split_whitespace().find_map(|word| word.strip_prefix("model:"));
        Some(Self { serial: Serial::new(line[..at].trim()), state, model: model.map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_phone_is_told_from_its_serial_number() {
        let text = "* daemon not running; starting now at tcp:5037\n* daemon started successfully\n\
            List of devices attached\n\
            0123456789ABCDEF       device usb:1-1 product:grizzly model:Pixel_11_Pro device:grizzly transport_id:1\n\
            R58M0000000            unauthorized usb:1-2 transport_id:2\n\
            ????????????           no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html] usb:1-3\n\
            192.168.1.7:5555       offline product:dm1q model:SM_S9110 device:dm1q\r\n\
            adb-X (2)._adb-tls-connect._tcp device product:a model:B device:c transport_id:7\n\
            emulator-5554\tauthorizing\n\n";
        let seen: Vec<_> = Listed::read(text)
            .into_iter()
            .map(|listed| (listed.serial.for_the_user().to_owned(), listed.state, listed.model))
            .collect();
        let model = |name: &str| Some(name.to_owned());
        assert_eq!(
            seen,
            [
                ("0123456789ABCDEF".to_owned(), State::Device, model("Pixel_11_Pro")),
                ("R58M0000000".to_owned(), State::Unauthorized, None),
                ("????????????".to_owned(), State::NoPermissions, None),
                ("192.168.1.7:5555".to_owned(), State::Offline, model("SM_S9110")),
                ("adb-X (2)._adb-tls-connect._tcp".to_owned(), State::Device, model("B")),
                ("emulator-5554".to_owned(), State::Authorizing, None),
            ]
        );
        assert_eq!(Listed::read("List of devices attached\n\n"), []);
        assert_eq!(Listed::read("adb: some failure\n"), []);
    }

    #[test]
    fn a_serial_number_is_in_no_debug_text() {
        assert!(!format!("{:?}", Serial::new("R58M0000000")).contains("R58"));
    }

    #[test]
    fn words_and_states_fit() {
        for (word, state) in State::WORDS {
            assert_eq!(state.name(), word);
            assert_eq!(Listed::read(&format!("List of devices attached\nx {word}\n"))[0].state, state);
        }
    }
}
