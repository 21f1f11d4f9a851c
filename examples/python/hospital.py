#!/usr/bin/env python3
"""Simulated hospital admissions: a table to try libflip on. Nobody in it exists.

    python3 hospital.py [--rows 6000] [--seed 1] [--out DIR]      writes DIR/hospital.csv and DIR/hospital.schema.json

This is a simulator with made-up coefficients, not a fit to any real table: it copies the *shapes* that make clinical
tables hard (skewed amounts, atoms at zero, steps, values missing because of what they would have been, dates, proxies)
and nothing else. Standard library only; the same seed gives the same rows. Only `Random.random` is used, the one method
whose sequence Python keeps between versions; every distribution below is built on it.

The schema is written from the constants of this file and never from the rows: bounds and levels are public knowledge.

Planted bias. `follow_up` is first decided by need alone (diagnosis, age, severity, kidney function, earlier
admissions). Then one order in `BIAS_DROPPED` = 40 % is dropped if the patient is in `BIAS_GROUPS` (Black, Hispanic). At
equal need such a patient gets .60 times the follow-ups of others. A generator that learns the table learns this as
well. `insurance`, `arrival` and `ward` are proxies for ethnicity: dropping the column does not remove the trace.

Missing values. `creatinine` (about 9 %): not measured, the less often the worse the kidney looks, so it is missing not
at random; `bmi` (about 6 %): often not taken in an emergency; `smoker` (about 15 %): not asked when triage was urgent;
`last_visit` (about 27 %): new patient.
"""
import argparse, csv, datetime, json, math, os, random

BIAS_GROUPS = ("Black", "Hispanic")
BIAS_DROPPED = 0.40

ETHNICITY = {"Asian": .08, "Black": .16, "Hispanic": .15, "Other": .05, "White": .56}
ARRIVAL = ["ambulance", "referral", "transfer", "walk-in"]
INSURANCE = ["none", "private", "public", "self-pay"]
WARDS = ["cardiology", "general medicine", "intensive care", "maternity", "neurology", "oncology", "orthopaedics",
         "surgery"]

# diagnosis group: share, mean age, share of women (of that group), severity 0..3, ward, mean log hours of stay, kidney
# load
DIAGNOSES = {
    "abdominal pain":     (.06, 44, .56, 0.9, "surgery",          3.3, 0.0),
    "appendicitis":       (.03, 33, .47, 1.2, "surgery",          3.9, 0.0),
    "asthma":             (.03, 38, .62, 1.1, "general medicine", 3.6, 0.0),
    "cancer treatment":   (.07, 64, .52, 1.6, "oncology",         4.3, 0.2),
    "chest pain":         (.08, 58, .45, 1.3, "cardiology",       3.2, 0.1),
    "childbirth":         (.09, 30, 1.0, 0.6, "maternity",        4.1, -.1),
    "chronic lung":       (.05, 68, .49, 1.6, "general medicine", 4.5, 0.1),
    "dehydration":        (.03, 66, .57, 1.0, "general medicine", 3.8, 0.4),
    "diabetes":           (.05, 57, .46, 1.2, "general medicine", 4.2, 0.4),
    "fall":               (.07, 76, .64, 1.1, "orthopaedics",     4.3, 0.2),
    "gallstones":         (.04, 52, .66, 1.0, "surgery",          4.0, 0.0),
    "heart attack":       (.05, 67, .36, 2.4, "cardiology",       4.7, 0.3),
    "heart failure":      (.06, 77, .48, 1.9, "cardiology",       4.9, 0.6),
    "hip fracture":       (.04, 81, .71, 1.7, "orthopaedics",     5.2, 0.3),
    "joint replacement":  (.05, 69, .59, 0.5, "orthopaedics",     4.4, 0.1),
    "kidney disease":     (.04, 63, .44, 1.7, "general medicine", 4.7, 1.3),
    "pneumonia":          (.06, 66, .48, 1.7, "general medicine", 4.7, 0.2),
    "sepsis":             (.04, 69, .47, 2.7, "intensive care",   5.2, 0.8),
    "stroke":             (.04, 72, .49, 2.3, "neurology",        5.0, 0.2),
    "trauma":             (.02, 40, .32, 2.0, "surgery",          4.4, 0.1),
}
PROTECTED = ["ethnicity"]                         # what the demonstration protects; sex and age are candidates too


class Dice:
    """Draws built on uniforms alone, so that a seed means the same rows under every Python."""

    def __init__(self, seed):
        self.u = random.Random(seed).random

    def chance(self, p):
        return self.u() < p

    def logit(self, x):
        """True with probability 1 / (1 + e^-x)."""
        return self.u() < 1 / (1 + math.exp(-x))

    def normal(self, mean=0.0, deviation=1.0):
        return mean + deviation * math.sqrt(-2 * math.log(1 - self.u())) * math.cos(2 * math.pi * self.u())

    def pick(self, shares):
        """A key of `shares` with probability proportional to its value."""
        x = self.u() * sum(shares.values())
        for key, share in shares.items():
            x -= share
            if x < 0:
                return key
        return key

    def count(self, mean):
        """Poisson, by products of uniforms (small means only)."""
        k, product, floor = 0, self.u(), math.exp(-mean)
        while product > floor:
            k, product = k + 1, product * self.u()
        return k


def within(x, low, high):
    return min(max(x, low), high)


FIRST_DAY, LAST_DAY = datetime.date(2023, 1, 1), datetime.date(2024, 12, 31)
EARLIEST_VISIT = datetime.date(2015, 1, 1)


def admission(dice):
    """One row, as a dict of text cells; "" is missing."""
    ethnicity = dice.pick(ETHNICITY)
    poorer = ethnicity in BIAS_GROUPS
    diagnosis = dice.pick({name: d[0] for name, d in DIAGNOSES.items()})
    _, mean_age, women, severity, ward, log_stay, kidney = DIAGNOSES[diagnosis]
    age = round(within(dice.normal(mean_age - 4 * poorer, 6 if diagnosis == "childbirth" else 14),
                       18, 46 if diagnosis == "childbirth" else 100))
    sex = "Female" if dice.chance(women) else "Male"
    severity = max(0.0, severity + dice.normal(0, .55) + .01 * (age - 60))
    planned = diagnosis in ("joint replacement", "cancer treatment") and dice.chance(.85)

    # who pays and how they came: proxies of ethnicity
    if age >= 67 and dice.chance(.9):
        insurance = "public"
    elif poorer:
        insurance = dice.pick({"none": .16, "private": .33, "public": .41, "self-pay": .10})
    else:
        insurance = dice.pick({"none": .05, "private": .68, "public": .20, "self-pay": .07})
    if planned:
        arrival = dice.pick({"referral": .9, "transfer": .1})
    else:
        arrival = dice.pick({"ambulance": .10 + .22 * severity, "referral": .13 if poorer else .30, "transfer": .06,
                             "walk-in": .55 if poorer else .34})
    emergency = arrival == "ambulance" or (arrival == "walk-in" and dice.chance(.8)) or (arrival == "transfer"
        and dice.chance(.4))
    triage = round(within(4.6 - 1.25 * severity + dice.normal(0, .55) - .3 * emergency, 1, 5))
    if severity > 2.8 and dice.chance(.7):
        ward = "intensive care"
    elif not dice.chance(.9) and diagnosis != "childbirth":
        ward = dice.pick({"general medicine": .7, "surgery": .3})

    # when: busier in winter, emergencies at all hours, planned work on weekday mornings
    days = (LAST_DAY - FIRST_DAY).days + 1
    while True:
        day = int(dice.u() * days)
        date = FIRST_DAY + datetime.timedelta(days=day)
        season = 1 + .25 * math.cos(2 * math.pi * (day - 20) / 365.25)
        weekday = (.15 if planned else .85) if date.weekday() >= 5 else 1
        if dice.chance(season * weekday / 1.25):
            break
    hour = int(within(dice.normal(9, 1.5), 6,
                      14)) if planned else int(24 * dice.u()) if dice.chance(.45) else int(within(dice.normal(14, 4), 0,
                          23))
    admitted = datetime.datetime(date.year, date.month, date.day, hour)
    known = dice.logit(-.4 + .03 * age - .5 * poorer)
    gap = within(int(math.exp(dice.normal(5.0, 1.1))), 1, 2900)
    last_visit = max(date - datetime.timedelta(days=gap), EARLIEST_VISIT).isoformat() if known else ""

    # what was measured
    smoker = dice.logit(-1.5 + (1.3 if diagnosis in ("chronic lung", "heart attack", "cancer treatment") else 0)
                        + .35 * (sex == "Male") - .012 * (age - 50))
    bmi = math.exp(dice.normal(math.log(26.5 + 1.2 * poorer), .19)) + (4 if diagnosis in ("diabetes", "gallstones")
        else 0) - .03 * max(0, age - 65)
    systolic = round(within(dice.normal(112 + .32 * age + .4 * (bmi - 26) - (26 if diagnosis == "sepsis" else 0), 17),
                            60, 240))
    diastolic = round(within(.48 * systolic + dice.normal(14, 8), 30, 140))
    creatinine = .82 + .12 * (sex == "Male") + .004 * max(0, age - 50) + max(-.3,
        kidney) * math.exp(dice.normal(-.25, .75)) + dice.normal(0, .14)
    creatinine = within(creatinine, .3, 15)
    prior = min(dice.count(.25 + .5 * (severity > 1.6)
                           + (1.6 if diagnosis in ("heart failure", "chronic lung", "kidney disease",
                                                   "cancer treatment") else 0)) if known else 0, 30)
    stay = round(within(math.exp(dice.normal(log_stay + .22 * (severity - 1.3) + .006 * (age - 60), .5)), 2, 2000))
    rate = {"intensive care": 420, "maternity": 95, "surgery": 160, "orthopaedics": 150}.get(ward, 110)
    charges = within((1800 + rate * stay) * math.exp(dice.normal(0, .3)), 0, 400000)
    if insurance == "none" and dice.chance(.55):
        charges = 0.0                                             # written off: an atom

    # outcomes: need decides, then the planted bias takes orders away
    need = -1.3 + .75 * severity + .018 * (age - 55) + .35 * prior + (.8 if creatinine > 1.5 else 0) \
        + (.9 if diagnosis in ("heart failure", "heart attack", "stroke", "cancer treatment") else 0) - (1.5
            if diagnosis == "childbirth" else 0)
    follow_up = dice.logit(need)
    dropped = dice.chance(BIAS_DROPPED)                           # drawn for everybody: the bias moves no other draw
    if ethnicity in BIAS_GROUPS and dropped:
        follow_up = False
    readmitted = dice.logit(-3.0 + .45 * severity + .4 * prior + .3 * smoker
                            + (.5 if need > .5 and not follow_up else 0))

    # what was not recorded
    creatinine_known = dice.chance(within(.62 + .36 * (creatinine - .7) + .03 * age / 10, .3, 1))
    bmi_known = dice.chance(.88 if emergency and triage <= 2 else .97)
    smoker_known = dice.chance(.74 if triage <= 2 else .94)
    yes = {True: "true", False: "false"}
    return {
        "admitted": admitted.strftime("%Y-%m-%dT%H:%M:%SZ"), "last_visit": last_visit, "age": str(age), "sex": sex,
        "ethnicity": ethnicity, "insurance": insurance, "arrival": arrival, "emergency": yes[emergency],
        "triage": str(triage),
        "diagnosis": diagnosis, "ward": ward, "systolic": str(systolic), "diastolic": str(diastolic),
        "creatinine": f"{creatinine:.1f}" if creatinine_known else "", "bmi": f"{within(bmi, 13, 65):.2f}" if bmi_known
        else "",
        "smoker": yes[smoker] if smoker_known else "", "prior_admissions": str(prior), "stay_hours": str(stay),
        "charges": f"{charges:.2f}", "follow_up": yes[follow_up], "readmitted": yes[readmitted]}


def schema():
    """The public domain as a Frictionless Table Schema; from the constants above, never from rows."""
    def field(name, type, required=True, **constraints):
        return {"name": name, "type": type, "constraints": {**constraints, "required": required}}
    return {"fields": [
        # whole hours
        field("admitted", "datetime", minimum="2023-01-01T00:00:00Z", maximum="2024-12-31T23:00:00Z", multipleOf=3600),
        field("last_visit", "date", required=False, minimum="2015-01-01", maximum="2024-12-31"),
        field("age", "integer", minimum=18, maximum=100),
        field("sex", "string", enum=["Female", "Male"]),
        field("ethnicity", "string", enum=list(ETHNICITY)),
        field("insurance", "string", enum=INSURANCE),
        field("arrival", "string", enum=ARRIVAL),
        field("emergency", "boolean"),
        field("triage", "integer", minimum=1, maximum=5),
        field("diagnosis", "string", enum=list(DIAGNOSES)),
        field("ward", "string", enum=WARDS),
        field("systolic", "integer", minimum=60, maximum=240),
        field("diastolic", "integer", minimum=30, maximum=140),
        field("creatinine", "number", required=False, minimum=0.3, maximum=15, multipleOf=0.1),
        field("bmi", "number", required=False, minimum=13, maximum=65),
        field("smoker", "boolean", required=False),
        field("prior_admissions", "integer", minimum=0, maximum=30),
        field("stay_hours", "integer", minimum=2, maximum=2000),
        field("charges", "number", minimum=0, maximum=400000, multipleOf=0.01),
        field("follow_up", "boolean"),
        field("readmitted", "boolean"),
    ], "missingValues": [""]}


def write(folder, rows=6000, seed=1):
    """Writes hospital.csv and hospital.schema.json into `folder`; returns both paths."""
    os.makedirs(folder, exist_ok=True)
    table, domain = os.path.join(folder, "hospital.csv"), os.path.join(folder, "hospital.schema.json")
    with open(domain, "w", encoding="utf-8") as f:
        json.dump(schema(), f, indent=1)
        f.write("\n")
    dice = Dice(seed)
    with open(table, "w", encoding="utf-8", newline="") as f:
        w = csv.DictWriter(f, [field["name"] for field in schema()["fields"]], lineterminator="\n")
        w.writeheader()
        for _ in range(rows):
            w.writerow(admission(dice))
    return table, domain


if __name__ == "__main__":
    p = argparse.ArgumentParser(description="write a simulated table of hospital admissions")
    p.add_argument("--rows", type=int, default=6000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--out", default=".", metavar="DIR")
    a = p.parse_args()
    for path in write(a.out, a.rows, a.seed):
        print(path)
