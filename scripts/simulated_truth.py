"""The true energy of a simulated device, and the error of the energy in a run's records. For scripts/simulate-power."""

import bisect
import json
import math
import pathlib
import sys

SECOND = 1e9
# Larger errors, in units of a 95 % interval, are not chance.
FAR = 3
PHASES = ["load", "prefill", "decode", "request", "idle-before", "idle-after"]
# A line of the truth: a time in which the counters stood still, because the simulation got no processor.
STILL = "# still"
# A reading at the edge of a window is usually at most this much later.
READ_NS = 5_000_000
TRUTH_COLUMNS = ["package", "core", "dram", "device"]


def usage(message):
    print(f"simulate-power: {message}", file=sys.stderr)
    sys.exit(2)


class Truth:
    """True joules over time."""

    def __init__(self, path):
        self.times, self.joules, self.stills = [], [], []
        for line in pathlib.Path(path).read_text().splitlines():
            if line.startswith(STILL):
                self.stills.append(tuple(int(field) for field in line.split()[2:4]))
            elif not line.startswith("#"):
                fields = line.split()
                if len(fields) == 1 + len(TRUTH_COLUMNS):
                    self.times.append(int(fields[0]))
                    self.joules.append(tuple(float(field) for field in fields[1:]))
        self.stills.sort()

    def at(self, ns, column):
        index = bisect.bisect_right(self.times, ns)
        if not 0 < index < len(self.times):
            return None
        (t0, t1), (e0, e1) = self.times[index - 1 : index + 1], (row[column] for row in self.joules[index - 1 : index + 1])
        return e0 + (e1 - e0) * (ns - t0) / (t1 - t0)

    def of(self, windows, column):
        ends = [(self.at(start, column), self.at(end, column)) for start, end in windows]
        if not ends or any(edge is None for pair in ends for edge in pair):
            return None
        return sum(end - start for start, end in ends)


    def stood_still(self, windows):
        """Whether an edge was read while the counters stood still: then the simulation is wrong, not the measurement."""
        for edge in (edge for window in windows for edge in window):
            index = bisect.bisect_right(self.stills, (edge + READ_NS,))
            # Packages tick independently: the one that began last is not always the one that ended last.
            if any(edge <= end for _, end in self.stills[max(0, index - 4) : index]):
                return True
        return False


def turn_windows(turns):
    return {
        "prefill": [(turn["start"], turn["prefill_end"]) for turn in turns],
        "decode": [(turn["token_times"][0], turn["token_times"][-1]) for turn in turns if turn["token_times"]],
        "request": [(turn["start"], turn["token_times"][-1]) for turn in turns if turn["token_times"]],
    }


def record_windows(record):
    """(start, end) of every window of each phase, as METHODOLOGY.md defines them."""
    iterations = [each["turns"] for each in record["samples"]["iterations"] if each["kind"] == "measured"]
    windows = turn_windows([turn for turns in iterations for turn in turns])
    loaded = record["samples"].get("loaded")
    windows["load"] = [(loaded["start"], loaded["end"])] if loaded else []
    idle = record["readings"].get("idle") or {}
    for phase, name in [("idle-before", "before"), ("idle-after", "after")]:
        span = idle.get(name)
        windows[phase] = [(span["start"], span["end"])] if span else []
    return windows, [turn_windows(turns) for turns in iterations]


def judged(truth, record):
    """(figure, phase, kind, counted windows, true joules, energy of the record) of everything in a record."""
    windows, iterations = record_windows(record)
    for figure in record.get("energy", []):
        if figure["scope"] not in TRUTH_COLUMNS:
            continue
        column = TRUTH_COLUMNS.index(figure["scope"])
        name = f"{figure['scope']} {figure['source']} {','.join(figure['meters'])}"
        idle = [w for phase in ("idle-before", "idle-after") for w in windows[phase]]
        idle_watts = [truth.of([w], column) / ((w[1] - w[0]) / SECOND) for w in idle if truth.of([w], column) is not None]
        for phase in figure["phases"]:
            spans = windows.get(phase["phase"], [])
            true = truth.of(spans, column)
            yield name, phase["phase"], "gross", spans, true, phase["gross"]
            if true is not None and idle_watts and not phase["phase"].startswith("idle"):
                seconds = sum(end - start for start, end in spans) / SECOND
                net = true - seconds * sum(idle_watts) / len(idle_watts)
                yield name, phase["phase"], "net", spans + idle, net, phase["net"]
        for number, (energies, spans) in enumerate(zip(figure["iterations"], iterations), 1):
            for phase in ("prefill", "decode", "request"):
                true = truth.of(spans[phase], column)
                yield name, f"{phase} {number}", "gross", spans[phase], true, energies[phase]


def judge(run, path):
    truth = Truth(path)
    if len(truth.times) < 2:
        usage(f"{path} holds no truth: name the file that --truth wrote")
    covered = measured = records = still = far = far_still = 0
    worst = {}
    for file in sorted(pathlib.Path(run).rglob("*.json")):
        record = json.loads(file.read_text())
        if "samples" not in record or "energy" not in record:
            continue
        records += 1
        print(f"\n{file.stem}")
        title = f"  {'meter':<34}{'phase':<13}{'':<6}{'truth J':>11}{'measured J':>12}{'± J':>9}{'error J':>10}{'error':>9}"
        print(title)
        for name, phase, kind, spans, true, energy in judged(truth, record):
            row = f"  {name[:33]:<34}{phase:<13}{kind:<6}"
            if "measured" not in energy:
                print(f"{row}{'' if true is None else f'{true:11.3f}':>11}   {energy['unavailable']['reason']}")
                continue
            joules, uncertainty = energy["measured"]["joules"], energy["measured"]["uncertainty_joules"]
            if true is None:
                print(f"{row}{'':>11}{joules:12.3f}{uncertainty:9.3f}   the truth does not span it")
                continue
            error = joules - true
            holds = abs(error) <= uncertainty
            if truth.stood_still(spans):
                still += 1
                far_still += abs(error) > FAR * uncertainty
                print(f"{row}{true:11.3f}{joules:12.3f}{uncertainty:9.3f}{error:+10.3f}   the counters stood still")
                continue
            measured += 1
            far += abs(error) > FAR * uncertainty
            covered += holds
            if true and kind == "gross" and phase in PHASES:
                worst[name, phase] = max(worst.get((name, phase), 0), abs(error / true))
            relative = f"{100 * error / true:+8.2f}%" if true else ""
            print(f"{row}{true:11.3f}{joules:12.3f}{uncertainty:9.3f}{error:+10.3f}{relative:>9}{'' if holds else '  MISSED'}")
    if still and not measured:
        print(f"every window began or ended while the counters stood still: {far_still} of {still} are far from the truth")
        return 1 if far_still else 0
    if not measured:
        print(f"simulate-power: {run}: {records} records, and no energy to judge", file=sys.stderr)
        return 1
    print("\nlargest error of a whole phase, gross")
    for (name, phase), error in worst.items():
        print(f"  {name[:33]:<34}{phase:<13}{100 * error:8.2f} %")
    print(f"\n{covered} of {measured} intervals hold the truth ({100 * covered / measured:.1f} %)")
    if still:
        print(f"{still} more were not judged: the simulation got no processor, and its counters stood still at an edge")
    if far:
        print(f"{far} are off by more than {FAR} times their uncertainty")
    # 5 % may miss. Scopes are read at the same moments, so that about three of them miss together.
    missed, share = measured - covered, 0.05 * measured
    return 0 if not far and missed <= share + 3 * math.sqrt(3 * 0.95 * share) else 1
