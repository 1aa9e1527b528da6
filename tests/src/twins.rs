//! Two backends that are the fake under other names, so that both take turns in the blocks of one run.

use std::fs;

use crate::Bench;

const TWINS: &str = r#"
[one]
binary = "pocketwatt-one"
package = "pocketwatt-fake"
summary = "a fake"
scored = false
precisions = ["f32"]
graphs = []

[two]
binary = "pocketwatt-two"
package = "pocketwatt-fake"
summary = "the same"
scored = false
precisions = ["f32"]
graphs = []

[absent]
binary = "pocketwatt-absent"
summary = "without a runner"
scored = false
precisions = ["f32"]
graphs = []
"#;

impl Bench {
    /// Makes the runners of the backends `one` and `two`, and returns the file that lists both, and `absent`, which has none.
    pub fn twins(&mut self) -> String {
        let greeting = r#"RUNNER "$@" | sed -u "s/\"name\":\"fake\"/\"name\":\"${0##*-}\"/""#;
        let wrapper = self.wrap_runner(greeting);
        for twin in ["one", "two"] {
            fs::hard_link(&wrapper, wrapper.with_file_name(format!("pocketwatt-{twin}"))).unwrap();
        }
        self.write("twins.toml", TWINS)
    }
}
