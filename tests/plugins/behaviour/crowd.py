"""A folder of small images and what made-up people did on them."""

import csv

import numpy as np
from PIL import Image

PHOTOGRAPHS = 40


def make_images(folder, number=PHOTOGRAPHS, size=8, mode="RGB", seed=0):
    """Bright noise is animate, dark noise isn't, and what lies between is hard; names like animate/03.png."""
    random = np.random.default_rng(seed)
    names = []
    for place in range(number):
        animate = place % 2
        level = 70 + 110 * animate + random.normal(0, 45)
        pixels = np.clip(random.normal(level, 25, (size, size, 3)), 0, 255).astype(np.uint8)
        name = f"{'animate' if animate else 'inanimate'}/{place:02d}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).convert(mode).save(folder / name)
        names.append(name)
    return names


def rows_by_image(names, seed=0):
    """One row an image: `image, category, animate, n, n_correct, pc, uncertainty, note`."""
    random = np.random.default_rng(seed)
    rows = []
    for name in names:
        right = int(random.binomial(20, random.choice([1.0, 0.95, 0.7])))
        pc = right / 20
        animate = int(name.startswith("animate"))
        doubt = 0.5 - abs(0.5 - pc)
        category = f"kind{random.integers(2)}{animate}"
        rows.append(dict(zip(
            ["image", "category", "animate", "n", "n_correct", "pc", "uncertainty", "note"],
            [name, category, animate, 20, right, round(pc, 3), round(doubt, 3), "kept"],
            strict=True,
        )))  # fmt: skip
    return rows


def rows_by_trial(names, people=6, seed=0):
    """One row per trial: `subject, image, animate, correct, rt_ms`."""
    random = np.random.default_rng(seed)
    hard = {name: random.choice([0.02, 0.3]) for name in names}
    return [
        {
            "subject": f"p{person}",
            "image": name,
            "animate": int(name.startswith("animate")),
            "correct": int(random.random() > hard[name]),
            "rt_ms": round(400 + 20 * person + 300 * hard[name] + random.normal(0, 20), 1),
        }
        for person in range(people)
        for name in names
    ]


def write_csv(file, rows):
    """A CSV file of these rows."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return file
