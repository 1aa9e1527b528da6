"use strict";
// Exact values under the pointer or the arrow keys, and the comparison of two commits. Data comes from scripts beside the pages, because a
// page from a disk may not read other files.
const pocketwatt = (() => {
  const known = { cases: new Map() };
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const load = (address) => new Promise((done) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => done(true);
    script.onerror = () => done(false);
    document.head.append(script);
  });
  const day = (time) => {
    const date = new Date(time);
    return Number.isNaN(date.getTime()) ? "after all dates" : date.toISOString().slice(0, 10);
  };
  const number = (value) => (value === null || value === undefined ? "" : String(Number(value.toPrecision(5))));
  const range = (low, high) => (low === null || low === undefined ? "" : ` [${number(low)}, ${number(high)}]`);

  // The page of a case.
  const charts = (data) => {
    const tip = document.querySelector(".tip");
    for (const chart of all("svg.course")) {
      const course = data.courses.find((one) => one.id === chart.dataset.course);
      if (!course) continue;
      const [left, width] = [58, 720 - 58 - 12];
      const across = (run) => left + width * (run + 0.5) / data.runs.length;
      const cursor = chart.querySelector(".cursor");
      let place = -1;
      const show = (next) => {
        place = Math.max(0, Math.min(course.runs.length - 1, next));
        const run = course.runs[place];
        cursor.setAttribute("d", `M${across(run).toFixed(1)} 26V178`);
        const [commit, name] = data.runs[run];
        const when = known.times && known.times.get(commit);
        tip.textContent = `${course.label}: ${number(course.values[place])} ${course.unit}`
          + `${range(course.low[place], course.high[place])}, commit ${commit.slice(0, 10)}${when ? `, ${when}` : ""}, run ${name}`;
        tip.hidden = false;
        const box = chart.getBoundingClientRect();
        const x = box.left + (across(run) / 720) * box.width;
        tip.style.left = `${Math.max(4, Math.min(x + 8, document.documentElement.clientWidth - tip.offsetWidth - 8)) + scrollX}px`;
        tip.style.top = `${box.bottom + 4 + scrollY}px`;
      };
      const hide = () => { place = -1; cursor.setAttribute("d", ""); tip.hidden = true; };
      const open = () => { if (place >= 0) location.href = `../commit/${data.runs[course.runs[place]][0]}.html`; };
      chart.addEventListener("pointermove", (event) => {
        const box = chart.getBoundingClientRect();
        const wanted = (((event.clientX - box.left) / box.width) * 720 - left) / width * data.runs.length - 0.5;
        let best = 0;
        course.runs.forEach((run, other) => { if (Math.abs(run - wanted) < Math.abs(course.runs[best] - wanted)) best = other; });
        show(best);
      });
      chart.addEventListener("pointerleave", hide);
      chart.addEventListener("blur", hide);
      chart.addEventListener("click", open);
      chart.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: course.runs.length - 1 }[event.key];
        if (event.key === "Enter") open();
        if (event.key === "Escape") hide();
        if (step === undefined) return;
        event.preventDefault();
        show(step);
      });
    }
  };

  // The comparison of two commits.
  const verdict = (course, ratio, half) => {
    if (half === null) return `undecided: ${course.spread}`;
    const [low, high] = [Math.exp(Math.log(ratio) - half), Math.exp(Math.log(ratio) + half)];
    if (high < 1 / 1.01 || low > 1.01) {
      if (course.better === 0) return "differs";
      return (ratio > 1) === (course.better > 0) ? "better" : "worse";
    }
    return low > 1 / 1.01 && high < 1.01 ? "same" : "undecided";
  };
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const rows = (data, one, other) => {
    const places = (commit) => data.runs.flatMap(([name], place) => (name === commit ? [place] : []));
    const segment = (run) => data.segments.filter(([first]) => first <= run).length;
    const [before, after] = [places(one), places(other)];
    if (!before.length || !after.length) return [];
    const [from, to] = [segment(before[0]), segment(after[after.length - 1])].sort((left, right) => left - right);
    const fresh = [...new Set(data.segments.slice(from, to).flatMap(([, what]) => what.split(", ")))].filter(Boolean);
    return data.courses.flatMap((course) => {
      const of = (runs) => course.runs.flatMap((run, place) => (runs.includes(run) ? [place] : []));
      const [left, right] = [of(before), of(after)];
      if (!left.length || !right.length) return [];
      const value = (chosen) => mean(chosen.map((place) => course.values[place]));
      const cell = (chosen) => `${number(value(chosen))}${chosen.length === 1 ? range(course.low[chosen[0]], course.high[chosen[0]]) : ""} ${course.unit}`;
      const ratio = value(right) / value(left);
      const is_ratio = Number.isFinite(ratio) && ratio > 0;
      // How far runs scatter is known for two runs; means of more scatter less.
      const times = Math.sqrt((1 / left.length + 1 / right.length) / 2);
      const [half95, half999] = typeof course.spread === "string" ? [null, null] : course.spread.map((half) => half * times);
      const interval = is_ratio && half95 !== null
        ? ` [${Math.exp(Math.log(ratio) - half95).toFixed(3)}, ${Math.exp(Math.log(ratio) + half95).toFixed(3)}]` : "";
      const said = fresh.length ? `new ${fresh.join(", ")}: no verdict` : is_ratio ? verdict(course, ratio, half999) : "no ratio";
      return [[course.label, cell(left), cell(right), is_ratio ? `${ratio.toFixed(3)}${interval}` : "", said, course.id, is_ratio ? ratio : undefined]];
    });
  };
  const compare = () => {
    const form = document.getElementById("choose");
    if (!form) return;
    const fields = all("input, select", form);
    const field = (name) => fields.find((one) => one.name === name);
    const choices = document.getElementById("commits");
    for (const [commit, time, branch, message] of [...known.commits].reverse()) {
      const choice = document.createElement("option");
      choice.value = commit.slice(0, 10);
      choice.label = `${day(time)} ${branch} ${message || ""}`.slice(0, 80);
      choices.append(choice);
    }
    for (const what of ["device", "branch"]) {
      for (const value of new Set(known.listed.map((one) => one[what]))) {
        const choice = document.createElement("option");
        choice.value = choice.textContent = value;
        field(what).append(choice);
      }
    }
    const wanted = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
    for (const one of fields) if (wanted.get(one.name) !== null) one.value = wanted.get(one.name);
    const told = document.getElementById("told");
    const body = document.getElementById("compared").tBodies[0];
    let turn = 0;
    const update = async () => {
      const mine = ++turn;
      const values = new URLSearchParams();
      for (const one of fields) if (one.value) values.set(one.name, one.value);
      history.replaceState(null, "", `#?${values}`);
      const commit = (name) => {
        const digits = field(name).value.trim().toLowerCase();
        const found = digits.length < 4 ? [] : known.commits.filter(([one]) => one.startsWith(digits));
        return found.length === 1 ? found[0][0] : null;
      };
      const [one, other] = [commit("a"), commit("b")];
      body.replaceChildren();
      if (!one || !other) { told.textContent = "Choose two commits, by at least four digits."; return; }
      told.textContent = "Reading the data...";
      const chosen = known.listed.filter((each) => ["device", "branch"].every((what) => !field(what).value || field(what).value === each[what]));
      let count = 0;
      for (const each of chosen) {
        if (!known.cases.has(each.key)) await load(`data/${each.key}.js`);
        if (mine !== turn) return;
        const data = known.cases.get(each.key);
        if (!data) continue;
        for (const [label, left, right, ratio, said, id, number] of rows(data, one, other)) {
          if (field("show").value === "differs" && !["better", "worse", "differs"].includes(said)) continue;
          const row = body.insertRow();
          const head = document.createElement("th");
          head.scope = "row";
          const link = document.createElement("a");
          link.href = `case/${each.key}.html#${id}`;
          link.textContent = `${each.name}, ${each.device}, ${each.branch}`;
          head.append(link);
          row.append(head);
          for (const text of [label, said, ratio, left, right]) row.insertCell().textContent = text;
          row.cells[1].className = row.cells[2].className = "text";
          if (number !== undefined) row.cells[3].dataset.value = number;
          if (said === "worse") row.cells[2].classList.add("alarm");
          if (said === "better") row.cells[2].classList.add("best");
          count += 1;
        }
      }
      told.textContent = count ? `${count} metrics of ${one.slice(0, 10)} and ${other.slice(0, 10)}.` : "These commits have no case in common.";
    };
    form.addEventListener("input", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    update();
  };

  return {
    site: (data) => {
      known.commits = data.commits;
      known.listed = data.cases;
      known.times = new Map(data.commits.map(([commit, time]) => [commit, day(time)]));
      compare();
    },
    case: (data) => { known.cases.set(data.key, data); charts(data); },
  };
})();
