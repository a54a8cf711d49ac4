#!/usr/bin/python3
"""Makes cjk.ttf.gz from WenQuanYi Micro Hei; see README.md."""
import gzip
import pathlib
from fontTools import subset

SOURCE = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"


def gb2312():
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                yield ord(bytes([high, low]).decode("gb2312"))
            except UnicodeDecodeError:
                pass


wanted = set(gb2312())
for first, last in [(0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3CF), (0x2010, 0x203F), (0x2150, 0x2189), (0x2190, 0x219F),
                    (0x2200, 0x226F), (0x2460, 0x249F), (0x2500, 0x257F), (0x25A0, 0x260F), (0x3000, 0x303F),
                    (0xFF00, 0xFFEE), (0x4E00, 0x9FA5)]:
    wanted.update(range(first, last + 1))
wanted.update(map(ord, "€℃℉№™Å✓✗〇ǎǐǒǔǖǘǚǜǹ"))

options = subset.Options()
options.font_number = 0
options.hinting = False
options.layout_features = []
options.glyph_names = False
options.notdef_outline = True
options.name_IDs = [0, 1, 2, 4, 5, 6, 13, 14]
options.drop_tables += ["GSUB", "GPOS", "GDEF", "vhea", "vmtx", "FFTM", "gasp", "DSIG"]
font = subset.load_font(SOURCE, options)
subsetter = subset.Subsetter(options)
subsetter.populate(unicodes=wanted)
subsetter.subset(font)
here = pathlib.Path(__file__).parent
plain = here / "cjk.ttf"
subset.save_font(font, str(plain), options)
with open(here / "cjk.ttf.gz", "wb") as out, gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=9, mtime=0) as z:
    z.write(plain.read_bytes())
plain.unlink()
