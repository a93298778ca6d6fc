"""Text from the web or from a model made fit to be published: no links, handles, tags, numbers to call, hidden signs.

Two questions, asked apart: ``lures_in`` finds what leads a viewer away, ``instructs`` what speaks to the writer instead of to
viewers. A sentence that carries a lure is left out as a whole: without its link it would still be an invitation.
"""

import re
import unicodedata
from collections.abc import Iterator

_TLD = (
    "com|net|org|info|biz|io|gg|ly|tv|co|app|xyz|dev|ai|link|shop|store|online|site|top|club|live|news|pro|page|blog|"
    "ru|uk|de|fr|jp|cn|br|pl|nl|eu|ch|at|es|pt|se|dk|fi|cz|ua|tr|kr|hk|tw|sg|ie|ca|au|nz|za|mx|ar|cl|su|cc|ws|vip|win|bet|"
    "casino|click|money|cash|crypto|zip|mov|onion|рф|бел|укр|中国|中國|公司|network|world|today|space|fun|social|video|stream"
)
_SHY_TLD = "me|to|be|us|in|is|it|so|no|am|my|id|ms|st|gl|ag"
"""Endings that are words as well: taken for a link only in small letters right after the dot, and before a slash or a break."""
_DOT = r"(?:\s?[(\[{]\s?[.。．]\s?[)\]}]\s?|[.。．]|\s[.。．]\s)"
_LINK = re.compile(
    rf"(?:\b(?:https?|hxxps?|ftp|ipfs|tg|discord|whatsapp|magnet|javascript|data)\s?:\s?/{{0,2}}\S*[^\s.,;!?]|\bwww\d?\s?\.\s?\S+"
    rf"|(?<![\w@])[\w-]+(?:{_DOT}[\w-]+)*?{_DOT}(?:{_TLD})(?![\w-])(?:[/:?#]\S*)?"
    rf"|\b\w+\s?[(\[{{<]?\s?\bdot\b\s?[)\]}}>]?\s?(?:{_TLD})\b(?:\s?/\S*|\s(?:forward\s)?slash\s\w+)?"
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])(?::\d+)?(?:/\S*)?)",
    re.IGNORECASE,
)
_SHY_LINK = re.compile(rf"(?<![\w@.])[A-Za-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:{_SHY_TLD})(?=/\S|\s*$|[\s,;!?])(?:/\S*)?")
_ANY_HOST = re.compile(r"(?<![\w@.])[\w-]{2,}\.(?!js\b)[a-z]{2,24}(?![\w-])(?:[/:?#]\S*)?")
"""Whatever looks like a name of a host; two sentences run together look like one too, and lose nothing worth keeping."""
_MAIL = re.compile(
    r"[\w.+-]+\s?(?:@|＠|[(\[]\s?at\s?[)\]])\s?[\w-]+(?:\s?(?:\.|[(\[]?\s?\bdot\b\s?[)\]]?)\s?[\w-]+)+", re.IGNORECASE
)
_HANDLE = re.compile(r"(?<![\w.])[@＠﹫]\s?[\w][\w.-]*|(?<!\w)(?:u|r)/\w{3,}|\b[\w.]{3,32}#\d{4}\b")
_HASHTAG = re.compile(r"(?<![\w&])[#＃](?=[^\s#]*[^\W\d_])[\w-]+")
_CODE = re.compile(
    r"\b(?:use|with|enter|promo|discount|coupon|referral)\s+(?:my\s+|the\s+|promo\s+|discount\s+|coupon\s+)*code\b", re.IGNORECASE
)
_LONG_TOKEN = re.compile(r"(?<!\w)(?=\w*\d)(?=\w*[A-Za-z])\w{24,}={0,2}(?!\w)")
_PHONE = re.compile(r"(?<![\w.,])(?:\+|00)?\(?\d[\d\s().\-–/]{6,}\d(?!\w)")
_DIGIT = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
_SPOKEN_PHONE = re.compile(rf"\b{_DIGIT}(?:[\s,-]+{_DIGIT}){{6,}}\b", re.IGNORECASE)
_LURES = (_LINK, _SHY_LINK, _ANY_HOST, _MAIL, _HANDLE, _HASHTAG, _CODE, _LONG_TOKEN, _SPOKEN_PHONE)
_TAG = re.compile(r"<(?:[!/?]?[A-Za-z][^<>]{0,300}|!--.{0,500}?--)>", re.DOTALL)
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()]{0,1000}\)")
_MARKDOWN = re.compile(
    r"(?<!\w)(?:\*{1,3}|_{1,3}|`{1,3}|~~)(?=\S)|(?<=\S)(?:\*{1,3}|_{1,3}|`{1,3}|~~)(?!\w)|^#{1,6}\s+|^>\s+|^[-*•]\s+"
)
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"”’')\]]*\s+|(?<=[。！？])")
_GONE = "\0"
_JOINERS = "\u200c\u200d"
_SHOWN = f"{_JOINERS}\ufe0f\t\n\r"  # part of emoji and of ordinary text

_TO_THE_WRITER = re.compile(
    r"(?:\b(?:ignor\w*|disregard\w*|forget|overrid\w*|bypass|vergiss|oublie[rz]?|olvida\w*|esque[cç]\w*|dimentica\w*|negeer|zignoruj|"
    r"игнорир\w*|забудь\w*|ignorez?|ignora\w*|ignoriere?n?)\b.{0,60}\b(?:instruct\w*|prompts?|rules?|above|previous|prior|earlier|"
    r"everything|context|guidelines|anweisung\w*|vorherig\w*|regeln|consignes|précédent\w*|instruc\w*|anterior\w*|reglas|"
    r"istruzion\w*|precedent\w*|instructies|polece\w*|инструкц\w*|предыдущ\w*|правил\w*)"
    r"|忽略|無視|无视|무시|تجاهل|अनदेखा|指示に従|以前の指示|前の指示"
    r"|\b(?:system|developer|hidden|initial)\s*(?:prompt|message|instruction|mode)s?\b|\bprompt\s*injection\b|\bjailbreak\w*"
    r"|\b(?:you\s+are|you're|act|behave|pretend|respond|speak)\s+(?:now|as|like)\s+(?:an?\s+|the\s+)?(?:\w+\s+)?(?:ai|dan|assistant|"
    r"model|bot|admin\w*|developer|unfiltered|unrestricted|pirate)\b|\byou\s+are\s+now\b|\bas\s+an\s+ai\b"
    r"|\b(?:new|updated|real|important|urgent|special|secret)\s+(?:instruction|order|task|rule|directive|command)s?\b"
    r"|(?:^|[\s\"'])(?:assistant|system|user|human|ai|instruction|admin)\s*:|<\||\|>|\[/?(?:inst|system|sys)\]|<</?sys>>"
    r"|```|\{\{|\}\}|</?\w+>|###|\bend\s+of\s+(?:data|titles?|list|input|evidence|quote|document)\b|\bbegin\s+(?:system|admin|new)\b"
    r"|\b(?:language\s+model|llm|chatgpt|gpt|claude|gemini|llama|copywriter|script\s*writer|writer)s?\s*[,:]?\s+(?:must|should|shall|has\s+to|"
    r"have\s+to|please|will|ignore|write|say|add|include|output|now)\b"
    r"|\b(?:output|print|reply|respond|answer|say|write|repeat|translate|reveal|leak|return|append|insert)\s+(?:only|exactly|with|the\s+(?:word|"
    r"phrase|following|text|sentence|system|secret|api|key|prompt)|your\s+(?:prompt|instruct\w*|key|system|rules)|after\s+me|this\s+(?:word|"
    r"phrase|text|sentence|line)|verbatim|in\s+every|nothing\s+else|['\"“«‘])"
    r"|\b(?:hosts?|speakers?|both|the\s+(?:script|video|title|description|narrator|summary|dialogue|conversation))\s+(?:must|should|shall|has\s+to|"
    r"have\s+to|needs?\s+to|always)\b"
    r"|\b(?:tell|urge|ask|instruct|remind|direct|send|invite)\s+(?:the\s+|your\s+|all\s+)*(?:viewers?|listeners?|audience|everyone|people|users?|"
    r"hosts?|speakers?)\b"
    r"|\b(?:add|put|include|insert|mention|place|embed|promote|advertise|recommend|endorse)\b.{0,60}\b(?:description|title|script|tags?|link|url|"
    r"every\s+(?:line|turn|sentence)|dialogue|video|hosts?|sources?|metadata|captions?)\b"
    r"|\b(?:set|change|replace|rename|make)\s+(?:the\s+)?(?:title|description|tags?|topic|script|sources?|keywords?)\s*(?:to|with|=|:|say)"
    r"|\b(?:api|secret|access)[\s_-]*keys?\b|\bpasswords?\s*[:=]|\bbase64\b|\brot13\b|\bdecode\s+(?:this|and)\b)",
    re.IGNORECASE | re.DOTALL,
)
_SPACED = re.compile(r"(?<!\w)(?:[\w.][ \-_*]){4,}[\w.](?!\w)")


def visible(text: str) -> str:
    """Return a text without control, bidirectional, zero-width, tag and private signs; line ends become spaces."""
    kept: list[str] = []
    for index, sign in enumerate(text):
        category = unicodedata.category(sign)
        if category in ("Zs", "Zl", "Zp") or sign in "\t\n\r\v\f":
            kept.append(" ")
        elif category in ("Cc", "Cf", "Cs", "Co", "Cn"):
            if sign in _JOINERS and 0 < index < len(text) - 1 and _is_joined(text[index - 1]) and _is_joined(text[index + 1]):
                kept.append(sign)  # Persian and the scripts of India need it inside words
        else:
            kept.append(sign)
    return " ".join("".join(kept).split())


def _is_joined(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LM" and "\u0600" <= sign <= "\u0dff"


def _closed_up(text: str) -> str:
    """Return the text with letters that stand apart put together: ``w i n . c o m``."""
    return _SPACED.sub(lambda match: re.sub(r"[ \-_*]", "", match[0]), text)


def _is_phone(found: str) -> bool:
    digits = re.sub(r"\D", "", found)
    if not 8 <= len(digits) <= 15 or re.fullmatch(r"\d{4}\s?[-–/]\s?\d{4}", found.strip()) or re.match(r"\d{4}-\d\d-\d\d", found):
        return False
    groups = re.findall(r"\d+", found)
    is_count = len(groups) == 1 or (len(groups) > 1 and len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:]))
    return found.strip().startswith(("+", "00")) or not is_count


def lures_in(text: str) -> Iterator[str]:
    """Return links, addresses, handles, hashtags, promotion codes and telephone numbers of a text, as they stand in it."""
    plain = unicodedata.normalize("NFKC", text)
    for form in dict.fromkeys((text, plain, _closed_up(plain))):
        for pattern in _LURES:
            yield from (match[0] for match in pattern.finditer(form))
        yield from (match[0] for match in _PHONE.finditer(form) if _is_phone(match[0]))


def text_clean(text: str, *, typed: str = "") -> str:
    """Return the text on one line without marks, and without the sentences that carry a lure which the user did not type."""
    plain = _MARKDOWN_LINK.sub(r"\1", text)
    plain = _TAG.sub(" ", plain)
    plain = visible(plain)
    plain = " ".join(_MARKDOWN.sub("", plain).replace("<", " ").replace(">", " ").split())
    own = visible(typed).casefold()
    foreign = [lure for lure in lures_in(plain) if _is_foreign(lure, own)]
    if not foreign:
        return plain
    for lure in sorted(foreign, key=len, reverse=True):
        plain = plain.replace(lure, _GONE)  # one may reach over what looks like the end of a sentence
    kept = [
        part for part in _sentences(plain) if _GONE not in part and not any(_is_foreign(found, own) for found in lures_in(part))
    ]
    joined = " ".join(kept)
    return "" if any(_is_foreign(lure, own) for lure in lures_in(joined)) else joined


def _is_foreign(lure: str, own: str) -> bool:
    return not own or lure.strip().casefold().rstrip("/.") not in own


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if part and part.strip()]


def instructs(text: str) -> bool:
    """Tell whether a text speaks to whoever writes about it: orders, roles of a chat, marks of a prompt, hidden signs.

    It looks at the text as it would be read, and with spaced-out letters closed up. It errs towards True: a title is one of many.
    """
    hidden = sum(unicodedata.category(sign) in ("Cf", "Co", "Cn", "Cc") and sign not in _SHOWN for sign in text)
    if hidden > 2 or any("\U000e0000" <= sign <= "\U000e007f" for sign in text):
        return True
    for form in (text, visible(unicodedata.normalize("NFKC", text))):
        closed = _closed_up(form)
        bare = "".join(sign for sign in unicodedata.normalize("NFD", form) if unicodedata.category(sign) != "Mn")
        if any(_TO_THE_WRITER.search(shape) for shape in (form, closed, bare)):
            return True
    return bool(_LONG_TOKEN.search(text))
