//! The comment of a pull request.

use std::fs;

use crate::job::{HOSTILE, Job, refused, said, succeeded};

/// Answers a list with what is in `comments`, says who it is, and writes down everything else.
const GH: &str = r#"case " $* " in
    *" --paginate "*) cat "$WROTE.comments" ;;
    *" user "*) cat "$WROTE.user" 2>/dev/null || { echo 'gh: Resource not accessible by integration (HTTP 403)' >&2; exit 1; } ;;
    *) echo "$*" >>"$WROTE" ;;
esac"#;
const MARKER: &str = "<!-- pocketwatt-ci board -->";
const OF_OURS: [(&str, &str); 3] = [("PULL_REQUEST", "7"), ("REPOSITORY", "us/it"), ("HEAD_REPOSITORY", "us/it")];

impl Job {
    /// Puts the file of a comment where `measure` does, and returns the option by which it is sent.
    fn comment(&self, text: &str) -> String {
        fs::create_dir_all(self.handed("verdict")).unwrap();
        fs::write(self.handed("verdict/comment.md"), text).unwrap();
        format!("--field body=@{}", self.handed("verdict/comment.md").display())
    }
}

#[test]
fn one_comment_is_kept_up_to_date() {
    let job = Job::new();
    job.stand_in("gh", GH);
    let body = job.comment(&format!("{MARKER}\n## worse\n"));
    let written = || {
        job.forget();
        succeeded(&job.step("comment", &OF_OURS));
        job.wrote()
    };
    let new = format!("api --silent --method POST repos/us/it/issues/7/comments {body}\n");
    let anew = |id: u32| format!("api --silent --method PATCH repos/us/it/issues/comments/{id} {body}\n");
    // Somebody else's comment begins with the marker, and another job's is of a program.
    let others =
        format!("11\tUser\teve\t{MARKER}\n12\tBot\tb\t<!-- pocketwatt-ci other -->\n13\tBot\tb\tbuild failed\n");
    fs::write(job.path("wrote.comments"), &others).unwrap();
    assert_eq!(written(), new);
    fs::write(job.path("wrote.comments"), format!("{others}14\tBot\tb\t{MARKER}\n")).unwrap();
    assert_eq!(written(), anew(14));

    // With the token of a user, ours are this user's.
    fs::write(job.path("wrote.user"), "alice\n").unwrap();
    assert_eq!(written(), new);
    fs::write(job.path("wrote.comments"), format!("{others}15\tUser\talice\t{MARKER}\n")).unwrap();
    assert_eq!(written(), anew(15));
}

#[test]
fn what_cannot_be_read_is_not_written_a_second_time() {
    let job = Job::new();
    job.comment(&format!("{MARKER}\n"));
    let without = |what: &str| GH.replace(what, "no such thing");
    job.stand_in("gh", &format!("case \" $* \" in *\" --paginate \"*) echo 'HTTP 502' >&2; exit 1 ;; esac\n{GH}"));
    refused(&job.step("comment", &OF_OURS), "cannot be listed");
    job.stand_in("gh", &without("HTTP 403"));
    refused(&job.step("comment", &OF_OURS), "whose token this is cannot be asked");
    assert_eq!(job.wrote(), "");
}

#[test]
fn where_a_job_may_not_write_it_does_not_try() {
    let job = Job::new();
    job.stand_in("gh", "echo called >>\"$WROTE\"; exit 1");
    let of = |pull_request: &str, head: &str| {
        job.step("comment", &[("PULL_REQUEST", pull_request), ("REPOSITORY", "us/it"), ("HEAD_REPOSITORY", head)])
    };
    let expect = |pull_request: &str, head: &str, words: &str| {
        let output = of(pull_request, head);
        succeeded(&output);
        assert!(said(&output).contains(words), "{}", said(&output));
    };
    expect("7", "us/it", "nothing was measured");
    job.comment("<!-- pocketwatt-ci x -->\n");
    expect("7", "them/it", "of a fork");
    expect("", "", "no pull request");
    assert_eq!(job.wrote(), "");
    refused(&of(HOSTILE, "us/it"), "not the number of a pull request");
    job.comment("no marker\n");
    refused(&of("7", "us/it"), "has no marker");
}
