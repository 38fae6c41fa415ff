"""What a methods section would need to say."""

from __future__ import annotations

from rcnnzoo_behaviour.analysis import Findings, Settings
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
    images = people.images
    judged = f"{len(images):,} images ({int((images['uncertainty'].astype(float) > 0).sum()):,} with D > 0)"
    if people.trials is not None:
        answers = people.trials["answer"]
        judged += (
            f" judged by {people.trials['subject'].nunique()} people ({answers.isin(['correct', 'wrong']).sum():,} responses; "
            f"{(answers == 'missing').sum():,} missing and {(answers == 'late').sum():,} late ones, which were not filled in)"
        )
    trained = (
        f"cross-fitted over images ({settings.folds} folds)" if elsewhere is None else f"fitted to {elsewhere:,} other images"
    )
    text = [
        f"Human uncertainty was D = 0.5 - |0.5 - PC| on {judged}.",
        "A logistic regression (L2, strength chosen by cross-validation within the training images) told animate from "
        f"inanimate images from each time step's standardised features of the frozen network, {trained}; it never saw D. "
        f"Its probabilities were accumulated over time steps ({readout} readout), and reaction time was the first step whose "
        "entropy was at or below a threshold, else the last.",
        "The threshold was the one, among all distinct ones, with the highest Spearman correlation with D on the training "
        f"folds; it was applied to the left-out fold ({settings.folds}-fold cross-validation stratified by category and "
        f"D > 0, {settings.repeats} repeats, seed {settings.seed}). Reaction times became midranks within each left-out "
        "fold, divided by its size; pooled over folds they were correlated with midranks of D, and correlations were "
        "averaged over repeats.",
    ]
    if settings.bootstraps:
        text.append(
            f"Intervals are 95 % percentile intervals over {settings.bootstraps:,} bootstrap samples of images, thresholds "
            "refitted, copies of an image in one fold."
        )
    if settings.refits:
        text.append(
            f"Correlations were tested one-tailed against {settings.refits:,} shuffles of time courses over images, and "
            "over images of a category, thresholds refitted."
        )
    if len(findings.comparisons):
        refitted = f" and refitted ({settings.refits:,} exchanges)" if settings.refits else ""
        text.append(
            "Networks were compared by two-tailed paired permutation tests that exchange two networks image by image, "
            f"thresholds as they were ({settings.exchanges:,} exchanges){refitted}."
        )
    if findings.correlations["network"].nunique() > 1:
        text.append("P values were corrected for the number of networks or pairs by Holm's method.")
    return " ".join(text)
