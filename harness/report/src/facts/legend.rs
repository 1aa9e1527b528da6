//! How to read the tables.

/// How to read the tables; `energy` and `shares` say whether they have numbers of these kinds.
pub fn legend(energy: bool, shares: bool) -> String {
    let energy = if energy {
        " Energy and power are means over all counted iterations together, and ± is half of their 95 % interval."
    } else {
        ""
    };
    let shares =
        if shares { " Of a share, [ ] is the 95 % Wilson interval, and then the number of questions." } else { "" };
    format!(
        "Medians over all iterations; ± is half the distance between the lowest and the highest iteration.{energy}{shares} \
         * marks the best: these ranges do not overlap and it leads by 1 %, or by 5 % where there is one observation."
    )
}
