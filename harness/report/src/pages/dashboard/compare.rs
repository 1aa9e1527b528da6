//! The page that compares any two commits: filled by the site's script, from the site's data.

use maud::{Markup, html};

use crate::pages::dashboard::view::navigation;

/// Its body.
pub fn compare() -> Markup {
    html! {
        h1 { "Compare two commits" }
        (navigation(""))
        noscript { p.warning { "This page needs its script, which lies beside it; the pages of the cases do not." } }
        form #choose {
            label { "baseline " input name="a" list="commits" size="14" autocomplete="off"; }
            label { "candidate " input name="b" list="commits" size="14" autocomplete="off"; }
            label { "device " select name="device" { option value="" { "all" } } }
            label { "branch " select name="branch" { option value="" { "all" } } }
            label { "show " select name="show" { option value="" { "everything" } option value="differs" { "what differs" } } }
        }
        datalist #commits {}
        p.pale {
            "A ratio is candidate / baseline. Its interval comes from how much the runs of this history scatter from one to the next, not from "
            "the runs alone, and is wider where few runs say how much that is. Better and worse are said where a 99.9 % interval lies beyond the margin of 1 %: "
            "if runs scatter normally, one comparison of equal commits in 1000 says so. A single run that was disturbed looks like a change all "
            "the same; what lasts is under \"What changed\". Where the engine, the runner, the device or "
            "what is measured is another one, the row says so, and there is no verdict."
        }
        p #told role="status" { "Choose two commits." }
        div.scroll tabindex="0" role="region" aria-label="The comparison" {
            table.data #compared {
                thead { tr {
                    @for (head, class) in [("case", "text"), ("metric", "text"), ("verdict", "text"), ("ratio", "number"), ("baseline", "number"), ("candidate", "number")] {
                        th scope="col" class=(class) { button type="button" { (head) } }
                    }
                } }
                tbody {}
            }
        }
    }
}
