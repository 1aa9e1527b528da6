"use strict";
// Exact values under the pointer or the arrow keys, and what pages have in common. Data comes from scripts beside the pages, because a page
// from a disk may not read other files.
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

  return {
    known,
    // What a page does with the list of all commits and cases.
    ready: [],
    day,
    load,
    number,
    range,
    site: (data) => {
      known.commits = data.commits;
      known.listed = data.cases;
      known.conditions = data.conditions;
      known.times = new Map(data.commits.map(([commit, time]) => [commit, day(time)]));
      pocketwatt.ready.forEach((start) => start());
    },
    case: (data) => { known.cases.set(data.key, data); charts(data); },
  };
})();
