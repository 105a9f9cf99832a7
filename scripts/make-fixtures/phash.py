"""What the Python package `imagehash` says of a dozen images: writes them and test/fixtures/artwork/phash.json.

python3 -m venv /tmp/phash && /tmp/phash/bin/pip install imagehash==4.3.2 pillow==13.0.0
/tmp/phash/bin/python scripts/make-fixtures/phash.py test/fixtures/artwork
"""
import base64
import json
import sys
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(23)


def clouds(width, height, channels=3, grain=9):
    """Noise of low frequencies: every bit of its hash lies well off the median."""
    small = random.integers(0, 256, (grain, grain, channels), dtype=np.uint8)
    image = Image.fromarray(small if channels > 1 else small[:, :, 0])
    return image.resize((width, height), Image.Resampling.BICUBIC)


def poster(width, height):
    image = clouds(width, height)
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.1, height * 0.2, width * 0.5, height * 0.7), fill=(230, 40, 30))
    draw.rectangle((width * 0.55, height * 0.1, width * 0.9, height * 0.35), fill=(20, 30, 160))
    draw.polygon([(width * 0.5, height * 0.95), (width * 0.95, height * 0.9), (width * 0.7, height * 0.5)], fill=(250, 220, 40))
    return image.filter(ImageFilter.GaussianBlur(2))


def stripes(width, height):
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    wave = 127 + 80 * np.sin(x / 17 + y / 41) + 40 * np.cos(y / 13)
    return Image.fromarray(np.clip(wave, 0, 255).astype(np.uint8))


def transparent(image):
    mask = Image.new('L', image.size, 255)
    ImageDraw.Draw(mask).rectangle((0, 0, image.width // 3, image.height // 2), fill=60)
    image = image.convert('RGBA')
    image.putalpha(mask)
    return image


base = poster(640, 480)
images = {
    'poster.jpg': base,
    'poster-small.jpg': base.resize((200, 150), Image.Resampling.LANCZOS),
    'poster-flipped.jpg': ImageOps.mirror(base),
    'poster-upside-down.jpg': ImageOps.flip(base),
    'large.jpg': poster(1600, 1200),
    'clouds.png': clouds(96, 96),
    'gray.png': clouds(120, 80, 1),
    'palette.png': poster(160, 160).quantize(64),
    'transparent.png': transparent(poster(180, 140)),
    'tall.png': clouds(40, 300),
    'tiny.png': clouds(20, 20, grain=5),
    'small.png': poster(77, 51),
    'stripes.png': stripes(300, 200),
}
records = []
for name, image in images.items():
    image.save(folder / name, **({'quality': 82} if name.endswith('jpg') else {'optimize': True}))
    opened = Image.open(folder / name)
    gray = np.asarray(opened.convert('L').resize((32, 32), Image.Resampling.LANCZOS))
    records.append({
        'file': name,
        'phash': str(imagehash.phash(opened)),
        'gray': base64.b64encode(gray.tobytes()).decode(),
    })
# A flat image has one frequency, and the hash says so.
flat = Image.new('L', (32, 32), 90)
records.append({'file': None, 'phash': str(imagehash.phash(flat)), 'gray': base64.b64encode(np.asarray(flat).tobytes()).decode()})
(folder / 'phash.json').write_text(json.dumps({'imagehash': imagehash.__version__, 'images': records}, indent=1) + '\n')
