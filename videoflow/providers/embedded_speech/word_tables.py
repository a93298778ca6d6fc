"""Tables behind the reading of written English: abbreviations, acronyms, units, symbols, domain endings."""

TITLES_WITH_STOP = frozenset({"gen", "gov", "sen", "rep", "col", "rev"})
"""Titles that are words of their own without the full stop: Gen Z."""

TITLES = {
    "mr": "Mister",
    "mrs": "Missus",
    "ms": "Miz",
    "dr": "Doctor",
    "prof": "Professor",
    "st": "Saint",
    "gen": "General",
    "gov": "Governor",
    "sen": "Senator",
    "rep": "Representative",
    "capt": "Captain",
    "lt": "Lieutenant",
    "col": "Colonel",
    "sgt": "Sergeant",
    "rev": "Reverend",
}
"""Read like this before a capitalised word, with or without a full stop."""

ABBREVIATIONS = {
    "vs": "versus",
    "vs.": "versus",
    "v.": "versus",
    "e.g.": "for example,",
    "eg.": "for example,",
    "i.e.": "that is,",
    "etc.": "et cetera",
    "etc": "et cetera",
    "approx.": "approximately",
    "est.": "established",
    "feat.": "featuring",
    "feat": "featuring",
    "ft": "featuring",
    "ft.": "featuring",
    "yoy": "year over year",
    "asap": "A.S.A.P.",
    "prod.": "produced",
    "ep.": "episode",
    "eps.": "episodes",
    "vol.": "volume",
    "pt.": "part",
    "ch.": "chapter",
    "fig.": "figure",
    "pp.": "pages",
    "min.": "minutes",
    "sec.": "seconds",
    "hrs.": "hours",
    "max.": "maximum",
    "dept.": "department",
    "govt.": "government",
    "univ.": "university",
    "inc.": "incorporated",
    "ltd.": "limited",
    "corp.": "corporation",
    "co.": "company",
    "bros.": "brothers",
    "jr.": "junior",
    "sr.": "senior",
    "jr": "junior",
    "st.": "street",
    "ave.": "avenue",
    "blvd.": "boulevard",
    "mt.": "mount",
    "no.": "number",
    "nos.": "numbers",
    "w/": "with",
    "w/o": "without",
    "b/c": "because",
    "aka": "also known as",
    "a.k.a.": "also known as",
    "btw": "by the way",
    "imo": "in my opinion",
    "tbh": "to be honest",
    "u.s.": "U.S.",
    "u.s": "U.S.",
    "u.k.": "U.K.",
    "u.n.": "U.N.",
    "a.m.": "A.M.",
    "p.m.": "P.M.",
    "ph.d.": "P.H.D.",
    "ph.d": "P.H.D.",
    "phd": "P.H.D.",
    "d.c.": "D.C.",
    "jan.": "January",
    "feb.": "February",
    "mar.": "March",
    "apr.": "April",
    "jun.": "June",
    "jul.": "July",
    "aug.": "August",
    "sep.": "September",
    "sept.": "September",
    "oct.": "October",
    "nov.": "November",
    "dec.": "December",
    "mon.": "Monday",
    "tue.": "Tuesday",
    "tues.": "Tuesday",
    "wed.": "Wednesday",
    "thu.": "Thursday",
    "thurs.": "Thursday",
    "fri.": "Friday",
}
"""Keys in small letters. Those that end a sentence as often as not keep their sentence mark (see ``SENTENCE_ENDERS``)."""

SENTENCE_ENDERS = frozenset(
    {"etc.", "inc.", "ltd.", "corp.", "co.", "jr.", "sr.", "a.m.", "p.m.", "u.s.", "u.k.", "u.n.", "d.c.", "ph.d."}
)

MONTH_ABBREVIATIONS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11,
    "dec": 12,
}  # fmt: skip

_SPELLED = """
NBA NFL NHL MLB MLS UFC WWE FBI CIA CEO CFO CTO FAQ USA US UK EU UN AI API BBC CNN ABC CBS NBC ESPN HBO DVD TV PC DJ MC
VIP DIY IQ ID OK UFO USB GPS HD UHD FPS RPG MMO GTA BTS NCT SNL DNA RNA GOP NYC LA DC PHD MP3 MP4 PS PR HR IT RV MVP NPC
POV OMG LOL WTF AMA IRL DM PSA SUV ATM CGI VR AR XR GPU CPU LED LCD SMS URL HTML CSS NYPD LAPD IRS FDA CDC WHO MIT UCLA
KFC BMW ICU ER EP LP MV BFF TBH ASMR TLC BET NLE AEW XXL KSI PSG UCL
"""
_SAID_AS_WORDS = """
NASA NATO COVID FIFA UEFA UNESCO UNICEF OPEC NAFTA AIDS POTUS SCOTUS IKEA LEGO RAM PIN SWAT NASCAR LIL GOAT FEMA PETA
"""
_REGAL_NAMES = "henry louis george edward elizabeth charles william richard john paul pius james benedict philip francis"

SPELLED = frozenset(_SPELLED.split())
"""Capitals read letter by letter although some of them spell a word."""

SAID_AS_WORDS = frozenset(_SAID_AS_WORDS.split())

REGAL_NAMES = frozenset(_REGAL_NAMES.split())
"""Names after which a Roman numeral is an ordinal: Henry the eighth."""

UNITS = {
    "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "ml": ("milliliter", "milliliters"),
    "mi": ("mile", "miles"),
    "ft": ("foot", "feet"),
    "ft.": ("foot", "feet"),
    "mph": ("mile per hour", "miles per hour"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "fps": ("frame per second", "frames per second"),
    "kb": ("kilobyte", "kilobytes"),
    "mb": ("megabyte", "megabytes"),
    "gb": ("gigabyte", "gigabytes"),
    "tb": ("terabyte", "terabytes"),
    "hz": ("hertz", "hertz"),
    "khz": ("kilohertz", "kilohertz"),
    "mhz": ("megahertz", "megahertz"),
    "ghz": ("gigahertz", "gigahertz"),
    "kw": ("kilowatt", "kilowatts"),
    "mw": ("megawatt", "megawatts"),
    "kwh": ("kilowatt hour", "kilowatt hours"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "sec": ("second", "seconds"),
    "secs": ("second", "seconds"),
    "ms": ("millisecond", "milliseconds"),
    "°c": ("degree Celsius", "degrees Celsius"),
    "°f": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "%": ("percent", "percent"),
    "pts": ("point", "points"),
}
"""Read after a figure: (for one, for more)."""

MAGNITUDE_WORDS = frozenset({"hundred", "thousand", "million", "billion", "trillion"})

SYMBOLS = {
    "&": "and",
    "+": "plus",
    "=": "equals",
    "@": "at",
    "%": "percent",
    "×": "times",
    "÷": "divided by",
    "≈": "about",
    "~": "about",
    "<": "less than",
    ">": "greater than",
    "≥": "at least",
    "≤": "at most",
    "±": "plus or minus",
    "→": "to",
    "$": "dollars",
    "€": "euros",
    "£": "pounds",
    "#": "number",
}
"""A symbol that stands alone, or between two words."""

DOMAIN_ENDINGS = {
    "com": "com", "org": "org", "net": "net", "edu": "edu", "gov": "gov", "info": "info", "biz": "biz", "app": "app",
    "blog": "blog", "shop": "shop", "me": "me", "studio": "studio", "news": "news", "live": "live", "in": "in", "co": "co",
    "be": "be", "dev": "dev", "gg": "G.G.", "io": "I.O.", "tv": "T.V.", "ai": "A.I.", "uk": "U.K.", "us": "U.S.",
    "eu": "E.U.", "de": "D.E.", "fr": "F.R.", "ca": "C.A.", "jp": "J.P.", "ly": "L.Y.", "fm": "F.M.", "xyz": "X.Y.Z.",
}  # fmt: skip
