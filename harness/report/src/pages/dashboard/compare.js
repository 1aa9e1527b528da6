"use strict";
// The comparison of two commits: which runs are comparable, and what they say.
(() => {
  const { known, day, load, number, range } = pocketwatt;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const last = (list) => list[list.length - 1];
  const MARGIN = Math.log(1.01);

  // The names of conditions that are known of both and differ.
  const differ = (left, right) =>
    known.conditions.filter((_, place) => left[place] !== null && right[place] !== null && left[place] !== right[place]);

  // The runs of a commit in a case, by their conditions: those of different ones are never averaged.
  const runs = (data, commit) => {
    const found = new Map();
    data.runs.forEach(([name, , conditions], place) => {
      if (name === commit) found.set(conditions, [...(found.get(conditions) || []), place]);
    });
    return [...found].map(([conditions, places]) => ({ conditions: data.conditions[conditions], places, of: data }));
  };
  // One of each side: the newest two under the same conditions, else the newest two, with what differs.
  const comparable = (left, right) => {
    const pairs = left.flatMap((one) => right.map((other) => ({ left: one, right: other, fresh: differ(one.conditions, other.conditions) })));
    return last(pairs.filter((pair) => !pair.fresh.length)) || { left: last(left), right: last(right), fresh: differ(last(left).conditions, last(right).conditions) };
  };

  const verdict = (better, log, half) => {
    if (log - half > MARGIN || log + half < -MARGIN) return better === 0 ? "differs" : (log > 0) === (better > 0) ? "better" : "worse";
    return log - half > -MARGIN && log + half < MARGIN ? "same" : "undecided";
  };

  // A metric of one side: the values of the chosen runs, in the unit of its course.
  const side = ({ of, places }, id) => {
    const course = of.courses.find((one) => one.id === id);
    const chosen = course ? course.runs.flatMap((run, place) => (places.includes(run) ? [place] : [])) : [];
    if (!chosen.length) return { course, count: 0, text: "" };
    const mean = chosen.reduce((sum, place) => sum + course.values[place], 0) / chosen.length;
    const more = chosen.length > 1 ? `, mean of ${chosen.length} runs` : "";
    const interval = chosen.length > 1 ? "" : range(course.low[chosen[0]], course.high[chosen[0]]);
    return { course, count: chosen.length, value: mean / course.factor, text: `${number(mean)}${interval} ${course.unit}${more}` };
  };
  // How far runs scatter is known best where there are most of them.
  const spread = (left, right) => {
    const [best, other] = [left, right].sort((one, two) => two.runs.length - one.runs.length).map((course) => course.spread);
    return typeof best === "string" ? other : best;
  };
  const metric = (pair, id) => {
    const [left, right] = [side(pair.left, id), side(pair.right, id)];
    if (!left.count && !right.count) return null;
    const course = left.course || right.course;
    const row = { id, metric: course.label, left: left.text, right: right.text, ratio: "" };
    if (!left.count || !right.count) return { ...row, kind: "absent", said: `no value in the ${left.count ? "candidate" : "baseline"}` };
    const log = Math.log(right.value / left.value);
    if (!Number.isFinite(log)) return { ...row, kind: "none", said: "no ratio" };
    // Half of the interval of two runs; means of more scatter less.
    const found = spread(left.course, right.course);
    const times = Math.sqrt((1 / left.count + 1 / right.count) / 2);
    const [half95, half999] = typeof found === "string" ? [] : found.map((half) => half * times);
    const interval = half95 === undefined ? "" : ` [${Math.exp(log - half95).toFixed(3)}, ${Math.exp(log + half95).toFixed(3)}]`;
    const measured = { ...row, number: Math.exp(log), ratio: `${Math.exp(log).toFixed(3)}${interval}` };
    if (pair.fresh.length) return { ...measured, kind: "none", said: `new ${pair.fresh.join(", ")}: no verdict` };
    if (half999 === undefined) return { ...measured, kind: "none", said: `undecided: ${found}` };
    const said = verdict(course.better, log, half999);
    return { ...measured, kind: said, said };
  };
  // Both commits in a case, or in the cases of two branches.
  const rows = (before, after, one, other) => {
    const [left, right] = [before ? runs(before, one) : [], after ? runs(after, other) : []];
    if (!left.length || !right.length) {
      const why = (data, commit) => {
        const [, reason] = last((data ? data.without : []).filter(([name]) => name === commit)) || [];
        return reason || "not in its runs";
      };
      const sides = [["baseline", left, before, one], ["candidate", right, after, other]].filter(([, found]) => !found.length);
      const said = sides.map(([what, , data, commit]) => `not measured in the ${what}: ${why(data, commit)}`).join("; ");
      return [{ metric: "all", left: "", right: "", ratio: "", kind: "absent", said }];
    }
    const pair = comparable(left, right);
    const count = (found) => found.reduce((sum, { places }) => sum + places.length, 0);
    const left_out = count(left) + count(right) - pair.left.places.length - pair.right.places.length;
    const ids = new Set([...pair.left.of.courses, ...pair.right.of.courses].map((course) => course.id));
    const note = left_out ? `${left_out} ${left_out === 1 ? "run" : "runs"} under other conditions left out` : "";
    return [...ids].map((id) => metric(pair, id)).filter(Boolean).map((row) => ({ ...row, note }));
  };

  // The cases of both commits: on one branch where there is one that has both, else of two branches.
  const pairs = (one, other, wanted) => {
    const places = new Map();
    for (const each of known.listed) {
      if (wanted.device && each.device !== wanted.device) continue;
      places.set(each.place, [...(places.get(each.place) || []), each]);
    }
    const index = (commit) => known.commits.findIndex(([name]) => name === commit);
    const [first, second] = [index(one), index(other)];
    const found = [...places.values()].flatMap((cases) => {
      const [before, after] = [first, second].map((commit) => cases.filter((each) => each.commits.includes(commit)));
      const both = before.filter((each) => after.includes(each));
      if (both.length) return both.map((each) => [each, each]);
      if (!before.length || !after.length) return [...before.map((each) => [each, null]), ...after.map((each) => [null, each])];
      return before.flatMap((each) => after.map((then) => [each, then]));
    });
    return found.filter((pair) => !wanted.branch || pair.some((each) => each && each.branch === wanted.branch));
  };

  // As many digits as tell a commit from all others, at least ten.
  const short_names = () => {
    const names = known.commits.map(([name]) => name).sort();
    const common = (one, other) => {
      let digits = 0;
      while (digits < one.length && one[digits] === other[digits]) digits += 1;
      return digits;
    };
    const digits = (name, place) => Math.max(10, ...[names[place - 1], names[place + 1]].map((other) => (other ? common(name, other) + 1 : 0)));
    return new Map(names.map((name, place) => [name, name.slice(0, digits(name, place))]));
  };
  // A commit by all of its digits, or by its first ones.
  const commit = (text) => {
    const digits = text.trim().toLowerCase();
    if (digits.length < 4) return { told: "Choose two commits, by at least four digits." };
    const exact = known.commits.find(([name]) => name === digits);
    const found = exact ? [exact] : known.commits.filter(([name]) => name.startsWith(digits));
    if (found.length === 1) return { name: found[0][0] };
    return { told: found.length ? `${found.length} commits begin with ${digits}: give more digits.` : `No commit begins with ${digits}.` };
  };

  const filled = (body, [before, after], row) => {
    const line = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    const link = document.createElement("a");
    const of = before || after;
    link.href = `case/${of.key}.html${row.id ? `#${row.id}` : ""}`;
    const branch = before && after && before !== after ? `branches ${before.branch} and ${after.branch}` : of.branch;
    link.textContent = `${of.name}, ${of.device}, ${branch}`;
    head.append(link);
    line.append(head);
    for (const text of [row.metric, row.said, row.ratio, row.left, row.right]) line.insertCell().textContent = text;
    line.cells[1].className = line.cells[2].className = "text";
    if (row.note) {
      const note = document.createElement("small");
      note.textContent = row.note;
      line.cells[2].append(document.createElement("br"), note);
    }
    if (row.number !== undefined) line.cells[3].dataset.value = row.number;
    if (row.kind === "worse") line.cells[2].classList.add("alarm");
    if (row.kind === "better") line.cells[2].classList.add("best");
  };
  const summary = (found, shown, only, names) => {
    if (!found.length) return "These commits have no case in common.";
    const metrics = `${found.length} ${found.length === 1 ? "metric" : "metrics"} of ${names}`;
    if (!only) return `${metrics}.`;
    const open = found.filter(({ kind }) => kind === "none" || kind === "undecided").length;
    const known_so_far = open ? `; ${open} of them have no verdict` : "";
    return shown ? `${shown} of ${metrics} differ${known_so_far}.` : `Nothing is known to differ among ${metrics}${known_so_far}.`;
  };

  pocketwatt.ready.push(() => {
    const form = document.getElementById("choose");
    const fields = all("input, select", form);
    const field = (name) => fields.find((one) => one.name === name);
    const short = short_names();
    const option = (value, label) => {
      const choice = document.createElement("option");
      choice.value = value;
      choice.label = label;
      return choice;
    };
    document.getElementById("commits").append(...[...known.commits].reverse().map(([name, time, branch, message]) =>
      option(short.get(name), `${day(time)} ${branch} ${message || ""}`.slice(0, 80))));
    for (const what of ["device", "branch"]) {
      field(what).append(...[...new Set(known.listed.map((one) => one[what]))].map((value) => option(value, value)));
    }
    const wanted = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
    for (const one of fields) if (wanted.get(one.name) !== null) one.value = wanted.get(one.name);
    const told = document.getElementById("told");
    const table = document.getElementById("compared");
    const body = table.tBodies[0];
    let turn = 0;
    const update = async () => {
      const mine = ++turn;
      const values = new URLSearchParams();
      for (const one of fields) if (one.value) values.set(one.name, one.value);
      history.replaceState(null, "", `#?${values}`);
      const [one, other] = [commit(field("a").value), commit(field("b").value)];
      body.replaceChildren();
      table.removeAttribute("aria-busy");
      const unknown = [one, other].find((each) => each.told);
      if (unknown) { told.textContent = unknown.told; return; }
      told.textContent = "Reading the data...";
      table.setAttribute("aria-busy", "true");
      const only = field("show").value === "differs";
      const found = [];
      let shown = 0;
      for (const pair of pairs(one.name, other.name, { device: field("device").value, branch: field("branch").value })) {
        for (const each of pair) if (each && !known.cases.has(each.key)) await load(`data/${each.key}.js`);
        if (mine !== turn) return;
        const [before, after] = pair.map((each) => each && known.cases.get(each.key));
        for (const row of rows(before, after, one.name, other.name)) {
          found.push(row);
          if (only && !["better", "worse", "differs", "absent"].includes(row.kind)) continue;
          filled(body, pair, row);
          shown += 1;
        }
      }
      told.textContent = summary(found, shown, only, `${short.get(one.name)} and ${short.get(other.name)}`);
      table.removeAttribute("aria-busy");
    };
    form.addEventListener("input", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    update();
  });
})();
