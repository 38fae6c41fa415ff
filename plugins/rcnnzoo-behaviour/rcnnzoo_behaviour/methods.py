"""What a methods section would need to say: of what was done, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from rcnnzoo_behaviour.ceiling import LEAST_PEOPLE
from rcnnzoo_behaviour.entries import Entry, Findings, Settings
from rcnnzoo_behaviour.human import ANTICIPATION, LEAST_IMAGES, People
from rcnnzoo_behaviour.reaction_time import QUANTILES


def methods(
    people: People,
    entries: Sequence[Entry],
    findings: Findings,
    settings: Settings,
    readout: str,
    elsewhere: int | None,
) -> str:
    """What was fitted on what, which tests, how many permutations; a paragraph.

    Args:
        people: What people did.
        entries: The networks.
        findings: What came out.
        settings: How much was computed.
        readout: By which probabilities accumulated.
        elsewhere: Number of other images that the classifiers were fitted to; None if they were cross-fitted.
    """
    words = [
        *_networks(entries),
        f"Human uncertainty was D = 0.5 - |0.5 - PC| on {_judged(people)}.",
        "A logistic regression (L2, strength chosen by cross-validation within the training images) told animate from "
        "inanimate images by each time step's standardised features of the frozen network, "
        f"{_fitted(findings, elsewhere)}; D was not used.",
        *_classifiers(findings),
        f"Its probabilities were accumulated over time steps ({readout} readout), and reaction time was the first step "
        "at which the entropy of animate against inanimate (nats) was at or below a threshold, else the last.",
        *_onsets(entries, settings),
        *_without_times(findings),
        "The threshold was the one, among all distinct ones, with the highest Spearman correlation with D on the "
        "training folds; it was applied to the left-out fold "
        f"({_folds(findings)}-fold cross-validation stratified by category and D > 0, {settings.repeats} repeats, seed "
        f"{settings.seed}{_other_folds(findings)}).",
        "Reaction times became midranks within each left-out fold, divided by its size; pooled over folds they were "
        "correlated with midranks of D, and correlations were averaged over repeats.",
        *_human_times(findings),
        *_seeds(findings),
        "The time of a graded crossing was interpolated within the step that crossed the threshold, which was fitted "
        f"in the same folds among {QUANTILES} quantiles of entropy; it is descriptive, without interval or test.",
        *_intervals(findings, settings),
        *_tests(findings, settings),
        *_controls(findings, settings),
        *_comparisons(findings, settings),
        *_corrected(findings),
        *_ceilings(people, findings, settings),
    ]
    return " ".join(words)


def _networks(entries: Sequence[Entry]) -> list[str]:
    """What each network is, as far as it is known."""
    known = [
        "; ".join([f"{network.name}: {network.about}", *network.conditions])
        for entry in entries
        for network in entry.members
        if network.about
    ]
    return [f"The networks were {'; '.join(known)}."] if known else []


def _onsets(entries: Sequence[Entry], settings: Settings) -> list[str]:
    """From when time is counted."""
    if not settings.since_onset:
        return []
    onsets = (f"step {network.onset} for {network.name}" for entry in entries for network in entry.members)
    return [f"Reaction times since the image's onset count that step as 1: {', '.join(onsets)}."]


def _classifiers(findings: Findings) -> list[str]:
    """How often classifiers were right, at the first and the last step."""
    words = []
    for name, part in findings.classifiers.groupby("network", sort=False):
        first, last = (f"{100 * share:.1f} %" for share in part["accuracy"].iloc[[0, -1]])
        words.append(f"{name} {first}" if len(part) == 1 else f"{name} {first} (step 1) to {last} (step {len(part)})")
    return [f"Classifiers were right about these shares of the images: {', '.join(words)}."] if words else []


def _without_times(findings: Findings) -> list[str]:
    rows = findings.correlations
    without = rows[(rows["measure"] == "reaction time") & (rows["images"] == "all") & rows["spearman"].isna()]
    names = without[without["predicted"] == "uncertainty"]["network"]
    if not len(names):
        return []
    has = "has" if len(names) == 1 else "have"
    return [
        f"{_listed(names)} {has} no reaction times, since all images take equally long (as with one time step): no "
        "correlation, test or control of reaction time applies, and areas under uncertainty are compared instead."
    ]


def _judged(people: People) -> str:
    doubted = int((people.images["uncertainty"].astype(float) > 0).sum())
    judged = f"{len(people.images):,} images ({doubted:,} with D > 0)"
    if people.trials is None:
        return judged
    answers = people.trials["answer"].value_counts()
    given = answers.get("correct", 0) + answers.get("wrong", 0)
    return (
        f"{judged} judged by {people.trials['subject'].nunique()} people ({given:,} responses; "
        f"{answers.get('missing', 0):,} missing and {answers.get('late', 0):,} late ones, which were not filled in)"
    )


def _fitted(findings: Findings, elsewhere: int | None) -> str:
    if elsewhere is None:
        return f"cross-fitted over images ({_folds(findings)} folds)"
    return f"fitted to {elsewhere:,} other images"


def _reaction_times(findings: Findings) -> pd.DataFrame:
    """Rows of the first entry's whole steps, one a part of the images."""
    table = findings.correlations
    rows: pd.DataFrame = table[(table["measure"] == "reaction time") & (table["network"] == table["network"].iloc[0])]
    return rows


def _folds(findings: Findings) -> int:
    return int(_reaction_times(findings)["folds"].iloc[0])


def _other_folds(findings: Findings) -> str:
    """Folds of parts that are too small for as many as all images have."""
    rows = _reaction_times(findings)
    fewer = rows[rows["folds"] != _folds(findings)]
    if not len(fewer):
        return ""
    parts = (f"{part}: {folds}" for part, folds in zip(fewer["images"], fewer["folds"], strict=True))
    return f"; fewer folds, of at least ten images each, in parts of the images: {', '.join(parts)}"


def _human_times(findings: Findings) -> list[str]:
    if "human reaction time" not in set(findings.correlations["predicted"]):
        return []
    return [
        f"Human reaction times were those of correct responses of at least {ANTICIPATION:g} ms, each less its person's "
        f"median, averaged over an image's people, of {_timed(findings):,} images; thresholds were fitted to them "
        "likewise."
    ]


def _timed(findings: Findings) -> int:
    """How many images people's reaction times are of."""
    return int(findings.correlations.set_index("predicted").loc[["human reaction time"], "n"].iloc[0])


def _seeds(findings: Findings) -> list[str]:
    rows = findings.correlations.drop_duplicates("network")
    several = rows[rows["networks"] > 1]
    return [
        f"{name} is an entry of {number} networks, whose correlations were averaged."
        for name, number in zip(several["network"], several["networks"], strict=True)
    ]


def _intervals(findings: Findings, settings: Settings) -> list[str]:
    if not settings.bootstraps:
        return []
    drawn = " and of an entry's networks" if (findings.correlations["networks"] > 1).any() else ""
    return [
        f"Intervals are 95 % percentile intervals over {settings.bootstraps:,} bootstrap samples of images{drawn}, "
        "copies of an image in one fold, thresholds refitted; the area under uncertainty and the entropy of the last "
        "step have none to refit."
    ]


def _tests(findings: Findings, settings: Settings) -> list[str]:
    words = []
    if settings.refits:
        words.append(
            "Correlations of reaction time were tested one-tailed against "
            f"{settings.refits:,} shuffles of time courses over images, thresholds refitted; p can't be below "
            f"{1 / (settings.refits + 1):.2g}, which is 1 / (shuffles + 1)."
        )
    if findings.correlations["test"].str.contains("pingouin", na=False).any():
        words.append(
            "Correlations of the area under uncertainty and of the last step's entropy were tested one-tailed by the t "
            "approximation to Spearman's correlation (pingouin)."
        )
    return words


def _controls(findings: Findings, settings: Settings) -> list[str]:
    controls = findings.controls
    words = []
    random = controls[controls["control"] == "randomly initialised"]
    if len(random):
        words.append(
            f"For each of {_listed(random['network'])}, {random['number'].iloc[0]} randomly initialised networks of "
            "the same architecture, batch-norm statistics estimated on the images, went through the same steps."
        )
    within = [name.removeprefix("shuffled within ") for name in controls["control"].unique() if "within" in name]
    if within:
        words.append(
            f"Controls shuffled time courses {settings.refits:,} times over images of the same "
            f"{' or, separately, of the same '.join(_kind(name) for name in within)}, thresholds refitted; the p value "
            "of a network is that of its own correlation among these."
        )
    return words


def _kind(within: str) -> str:
    return "kind (animate or not)" if within == "animate or not" else within


def _comparisons(findings: Findings, settings: Settings) -> list[str]:
    if not len(findings.comparisons):
        return []
    words = []
    table = findings.comparisons
    tested = table[table["exchanges"].notna()] if "exchanges" in table else table.iloc[:0]
    if len(tested):
        times, area = (tested[tested["measure"] == name] for name in ("reaction time", "area under uncertainty"))
        ways = []
        if len(times) and settings.refits:
            ways.append(f"time courses with thresholds refitted ({settings.refits:,} exchanges; p)")
        if len(times):
            ways.append(f"standardised ranks with thresholds as they were ({_exchanges(times)}; p_ranks)")
        ways.append(f"ranks of the area under uncertainty, which has no threshold ({_exchanges(area)})")
        words.append(
            "Networks were compared by two-tailed paired permutation tests, in which the two change places image by "
            f"image: {_listed(ways)}."
        )
    if (findings.correlations["networks"] > 1).any():
        compared = "an interval of the difference only" if settings.bootstraps else "their difference, without a test"
        words.append(f"Pairs with an entry of several networks were compared by {compared}.")
    return words


def _exchanges(tested: pd.DataFrame) -> str:
    return " or ".join(
        f"{'all ' if exact else ''}{number:,} exchanges"
        for number, exact in tested[["exchanges", "exact"]].drop_duplicates().itertuples(index=False)
    )


def _corrected(findings: Findings) -> list[str]:
    """Which p values have company."""
    tables = {
        "correlations": (findings.correlations, ["images", "predicted", "measure"]),
        "comparisons (p, not p_ranks)": (findings.comparisons, ["measure"]),
    }
    corrected = [
        name
        for name, (table, alike) in tables.items()
        if "p" in table and (table.dropna(subset="p").groupby(alike).size() > 1).any()
    ]
    if not corrected:
        return []
    return [
        f"P values of {_listed(corrected)} were corrected by Holm's method for the number of networks or pairs (each "
        "part of the images, measure and control by itself)."
    ]


def _ceilings(people: People, findings: Findings, settings: Settings) -> list[str]:
    if not len(findings.crowds):
        why = (
            f"fewer than {LEAST_IMAGES} images had {LEAST_PEOPLE} judgements, or too few people judged the same ones"
            if "n" in people.images
            else "it is not known how many people judged each image"
        )
        return [f"There is no ceiling from people, since {why}."]
    trusted = bool(findings.ceilings["trusted"].all())
    words = (
        f"Ceilings are from the {findings.crowds['images'].iloc[0]:,} images with at least {LEAST_PEOPLE} judgements: "
        "random halves of "
        f"{'judgements' if people.trials is None else 'people'} against each other ({settings.simulations:,} times, "
        "uncorrected), and a mixture of two beta distributions fitted to the counts, whose true D was correlated "
        f"with D of {settings.simulations:,} simulated crowds"
    )
    fault = "" if trusted else "; as it did not reproduce halves and the share of D = 0, it can't be trusted"
    return [f"{words}{fault}."]


def _listed(names: object) -> str:
    """Names in a row: a, b and c."""
    *most, last = map(str, names)  # type: ignore[call-overload]
    return f"{', '.join(most)} and {last}" if most else last
