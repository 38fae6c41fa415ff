"""What a methods section would need to say."""

from __future__ import annotations

from rcnnzoo_behaviour.entries import Findings, Settings
from rcnnzoo_behaviour.human import People


def methods(people: People, findings: Findings, settings: Settings, readout: str, elsewhere: int | None) -> str:
    """What was fitted on what, which tests, how many permutations; a paragraph.

    Args:
        people: What people did.
        findings: What came out.
        settings: How much was computed.
        readout: By which probabilities accumulated.
        elsewhere: Number of other images that the classifiers were fitted to; None if they were cross-fitted.
    """
    words = [
        f"Human uncertainty was D = 0.5 - |0.5 - PC| on {_judged(people)}.",
        "A logistic regression (L2, strength chosen by cross-validation within the training images) told animate from "
        "inanimate images by each time step's standardised features of the frozen network, "
        f"{_fitted(settings, elsewhere)}; it never saw D.",
        f"Its probabilities were accumulated over time steps ({readout} readout), and reaction time was the first step "
        "whose entropy was at or below a threshold, else the last.",
        "The threshold was the one, among all distinct ones, with the highest Spearman correlation with D on the "
        "training folds; it was applied to the left-out fold "
        f"({settings.folds}-fold cross-validation stratified by category and D > 0, {settings.repeats} repeats, seed "
        f"{settings.seed}).",
        "Reaction times became midranks within each left-out fold, divided by its size; pooled over folds they were "
        "correlated with midranks of D, and correlations were averaged over repeats.",
    ]
    if settings.bootstraps:
        words.append(
            f"Intervals are 95 % percentile intervals over {settings.bootstraps:,} bootstrap samples of images, "
            "thresholds refitted, copies of an image in one fold."
        )
    if settings.refits:
        words.append(
            f"Correlations were tested one-tailed against {settings.refits:,} shuffles of time courses over images and "
            "over images of a category, thresholds refitted."
        )
    if len(findings.comparisons):
        refitted = f"thresholds refitted ({settings.refits:,} exchanges), and " if settings.refits else ""
        words.append(
            "Networks were compared by two-tailed paired permutation tests that exchange two networks image by image, "
            f"{refitted}with thresholds as they were ({settings.exchanges:,} exchanges)."
        )
    if findings.correlations["network"].nunique() > 1:
        words.append("P values were corrected for the number of networks or pairs by Holm's method.")
    return " ".join(words)


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


def _fitted(settings: Settings, elsewhere: int | None) -> str:
    if elsewhere is None:
        return f"cross-fitted over images ({settings.folds} folds)"
    return f"fitted to {elsewhere:,} other images"
