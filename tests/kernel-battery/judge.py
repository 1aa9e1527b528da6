"""Compares what `pocketwatt meters` said in the guest with the power that was set there: judge.py ANSWERS

Exit status: 0 when everything is right, 1 when something is not.
"""

import json
import sys

BATTERY = {"battery:BAT0/energy_now", "battery:BAT0/power_now"}
# An unfinished turn of the wavering power: 0.24 W for 1.4 s, at both ends.
WAVER_JOULES = 0.7
# A 95 % interval may miss now and then, but not by far, and not twice among a dozen.
MISSED = "  missed"
MOST = 1.5
# A host that does much else takes seconds to start a program in its guest.
STARTING_S = 5.0
# What a guest without these meters may say of them.
NOTHING_THERE = {"no-meter", "virtual-machine", "not-supported"}
NAMES = ["discharging", "discharging", "discharging", "plugged-in", "charging"]


def watches(text):
    """(name, watts, state, what was printed, exit status, seconds that it took) of each watch."""
    found, lines = [], []
    for line in text.splitlines():
        if not line.startswith("@ "):
            lines.append(line)
            continue
        fields = line.split()[1:]
        if fields[0] == "exit":
            name, milliwatts, state = begun
            seconds = float(fields[3]) - float(fields[2])
            found.append((name, int(milliwatts) / 1000, state, "\n".join(lines), int(fields[1]), seconds))
        else:
            begun = fields
        lines = []
    return found


def row(watts, state, meter, energy, truth):
    """A line of the table, and what is wrong with it."""
    start = f"{watts:3.0f} W  {state:<9}{meter:<27}"
    if energy is None:
        return f"{start}-", f"{meter} is missing at {watts:g} W ({state})"
    battery_refuses = meter in BATTERY and state != "battery"
    if "unavailable" in energy:
        reason = energy["unavailable"]["reason"]
        expected = battery_refuses and reason == "charger-connected"
        return f"{start}{reason}", None if expected else f"{meter} at {watts:g} W ({state}): {energy['unavailable']}"
    joules, uncertainty = energy["measured"]["joules"], energy["measured"]["uncertainty_joules"]
    if battery_refuses:
        return f"{start}{'':>11}{joules:12.3f}", f"{meter} gave energy although the charger was connected"
    error = joules - truth
    line = f"{start}{truth:11.3f}{joules:12.3f}{uncertainty:9.3f}{error:+10.3f}{100 * error / truth:+8.2f} %"
    if abs(error) > uncertainty + WAVER_JOULES:
        line += MISSED
    if abs(error) > MOST * uncertainty + WAVER_JOULES:
        return line, f"{meter} at {watts:g} W is {error:+.3f} J off, and claims {uncertainty:.3f} J"
    if uncertainty > 0.15 * truth:
        return line, f"{meter} at {watts:g} W claims no better than {uncertainty:.3f} J of {truth:.3f} J"
    return line, None


def judge(watch):
    """The lines of one watch, and what is wrong with them."""
    _, watts, state, printed, status, seconds = watch
    if status != 0:
        return [], [f"pocketwatt ended with status {status} at {watts:g} W ({state}): {printed[-400:]}"]
    try:
        view = json.loads(printed)
    except ValueError as error:
        return [], [f"no JSON at {watts:g} W ({state}): {error}: {printed[:200]!r}"]

    wrong = []
    meters = {meter["id"]: meter for meter in view["meters"]}
    refused = {absent["id"]: absent for absent in view["absent"]}
    gauges = [meter["id"] for meter in view["meters"] if meter["source"] == "hwmon"]
    if len(gauges) != 1:
        wrong.append(f"one power meter is in hwmon, and the battery's twin is none; found {gauges}")
    # A battery has one counter and one gauge, however many nodes show them.
    extra = set(meters) - BATTERY - set(gauges)
    if extra or len(meters) != len(view["meters"]):
        wrong.append(f"found more than there is: {sorted(extra)}")
    for absent in view["absent"]:
        if absent["source"] not in ("battery", "hwmon") and absent["unavailable"]["reason"] not in NOTHING_THERE:
            wrong.append(f"{absent['id']}: {absent['unavailable']}")

    lines = []
    for meter in sorted(BATTERY) + (gauges or ["hwmon"]):
        energy, truth = None, None
        if meter in meters:
            energy = meters[meter]["energy"]
            mean = meters[meter]["mean_power_watts"]
            if mean:
                # The truth over the time that PocketWatt says it read; that time is checked with the guest's own clock.
                span = energy["measured"]["joules"] / mean
                truth = watts * span
                if not seconds - STARTING_S < span < seconds + 0.02:
                    wrong.append(f"{meter} was read for {span:.3f} s, of {seconds:.3f} s that the command took")
        elif meter in refused:
            energy = {"unavailable": refused[meter]["unavailable"]}
        elif meter in BATTERY and "battery:BAT0" in refused:
            # The battery as a whole.
            energy = {"unavailable": refused["battery:BAT0"]["unavailable"]}
        line, problem = row(watts, state, meter, energy, truth)
        lines.append(line)
        wrong += [problem] if problem else []
    return lines, wrong


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as answers:
        found = watches(answers.read())
    wrong = []
    if [watch[0] for watch in found] != NAMES:
        wrong.append(f"the guest ended early: {[watch[0] for watch in found]}")
    print(f"\n{'truth':<7}{'on':<9}{'meter':<27}{'truth J':>11}{'measured J':>12}{'± J':>9}{'error J':>10}{'error':>10}")
    missed = 0
    for watch in found:
        lines, problems = judge(watch)
        print("\n".join(lines))
        missed += sum(line.endswith(MISSED) for line in lines)
        wrong += problems
    if missed > 1:
        wrong.append(f"{missed} intervals miss the truth")
    holds = "every interval holds the truth" if missed == 0 else "all intervals but one hold the truth"
    print(f"\npassed: {holds}" if not wrong else "\nwrong:\n  " + "\n  ".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
