//! How to read the tables.

/// How to read the tables; `energy` and `shares` say whether they have numbers of these kinds.
pub fn legend(energy: bool, shares: bool) -> String {
    let energy = if energy { " Energy and power are means over all counted iterations together." } else { "" };
    let shares =
        if shares { " Of a share, [ ] is the 95 % Wilson interval, and then the number of questions." } else { "" };
    format!(
        "Medians over all iterations; ± is half of the 95 % interval, from 3 blocks or rounds on.{energy}{shares} * marks the best: it is better \
         than each other by more than 1 %, and a table without a true difference has such a mark once in a hundred at most. It needs \
         backends that took turns."
    )
}
