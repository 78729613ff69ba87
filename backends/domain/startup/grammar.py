"""How vLLM words what it refuses, and the roles of the functions that raise it.

The words of a check carry over where its subject does not: `must be`, `requires`, `not supported`,
the names of shapes and types of tensors, of parallel sizes, of a state that only code can reach.
"""

CONSTRUCTS = (
    r" (?:__init__|__post_init__|<module>|from_config|(?:\w*_)?(?:validate|verify|check|init|"
    r"resolve|normalize|config)(?:_\w+)?)$"
)
"""The role of a function that takes a configuration for what it makes."""
BUILDS = (
    r" (?:__init__|__post_init__|__new__|<module>|from_\w+|(?:\w*_)?(?:validate|verify|check|init|"
    r"initialize|resolve|create|select|choose|make|config|configure|normalize|raise|assert|setup|"
    r"reject|prepare|load|get|parse|map|update|check_and_update|"
    r"build_\w+|process_weights\w*|oracle)(?:_\w+)?)$"
)
"""The role of a function that is called once, while the server is put together."""

UNSUPPORTED = (
    r"not (?:yet )?(?:currently )?(?:be )?support|n't support|unsupported|(?:only|not) (?:be )?"
    r"(?:support|implement|valid|avail|compiled|built|work)|supports? (?:\S+ ){0,6}only|"
    r"not (?:compatible|applicable|allowed|possible)|incompatible|cannot be (?:used|combined)"
)
RANGE = (
    r"\bmust \w+|(?:should|has to|have to) (?:be|have|only)|may \w+ only|at (?:least|most)|"
    r"between|exceed|out of range|greater|smaller|larger|less "
    r"than|non-?negative|non-?empty|positive|empty|invalid|illegal|unknown|unrecogni[sz]ed|"
    r"expect(?:s|ed)|one of|\bgot\b|duplicate|malformed|cannot be (?:set|empty|greater|read|"
    r"converted)"
)
WANTED = (
    r"requires?|needs?|required|missing|not (?:provided|set|specified|found|given|enabled|"
    r"registered)|without|must (?:be )?(?:set|provided|specified|given)|specify|provide|please|"
    r"mutually exclusive|conflict|both|can(?:not| only|'t)|could not|failed to|disable|enable|"
    r"only (?:be|one|a|when|if|in|for|with)|no \w+|unable|ambiguous|reserved|is not a?\b|"
    r"removed|disabled|deprecated|\bdo(?:es)?(?: not|n't)\b"
)
REFUSES = f"{UNSUPPORTED}|{RANGE}|{WANTED}"
"""How a check words what it does not accept."""

TENSOR = (
    r"contiguous|\bshapes?\b|\bstrides?\b|\bdtypes?\b|\b(?:n?dim|[1-9]-?d)\b|\bdim(?:s|ensions?)\b|"
    r"tensors?\b|same device|int32|int64|\bfp32|bfloat16|\bBF16|cu_seqlens|\bbatch\b|"
    r"token(?:s| count)|\blengths?\b|\brows?\b|\bcolumns?\b|element|indices|index|slots?\b|stream|"
    r"buffer|\bpad(?:ded|ding)?\b|<= \w+ <=|!=|power of|multiple of|divisib|aligned|<class"
)
STATE = (
    r"duplicate layer|duplicated timeseries|"
    r"already (?:\w+ )?(?:exist|been|set|registered|initiali[sz]ed|active|in use)|"
    r"singleton|has not been|not (?:been )?(?:yet )?(?:initiali[sz]ed|resolved|prepared|called)|"
    r"(?:was|were|is|are) (?:not|never|un)[ -]?(?:prepared|initiali[sz]ed|called|allocated|locked)|"
    r"called (?:on|with|before|after|twice)|must be called|should not be called|before calling|"
    r"requires a \w+ \w+ first|file (?:a|an) (?:vllm )?(?:issue|bug)|bug report|"
    r"(?:sub)?class(?:es)? (?:should|must) implement|implemented by|unreachable|"
    r"cannot (?:transition|pop)|cache miss|object has no attribute|no attribute|"
    r"invalid (?:state|block)|in (?:the )?wrong state|problem with your implementation|"
    r"should never|inappropriate time|inconsistent|not found in the forward|serializable|"
    r"\bshard[ _]id\b|field '\w+' not found in|(?:uses|overrides) \w+ directly|"
    r": call \w+ .*instead|must return|"
    r"\bcallable\b|passed twice|"
    r"returned none\b|decorator|unexpected prefix|"
    r"should not be none|unexpected .{1,40}\b(?:message|shape|"
    r"type|status)|has been (?:destroyed|released|"
    r"closed|freed)|before use\b"
)
"""How code words what only other code can have done."""
RUNNING = (
    r"\b(?:u?batch|padded|int32|fp32|logits|contiguous|token count|rows|slots?|\w*embeds|"
    r"byte-aligned|input device)\b"
)
"""What is only there once the engine runs."""
PARALLEL = (
    r"(?:tensor|pipeline|data|expert|context|sequence)[-_ ]?(?:model[-_ ]?)?parallel|"
    r"\b(?:tp|pp|dp|ep|dcp|pcp)(?:[-_ ]?(?:size|degree|world_size))?\b|number of experts|"
    r"device-ids|(?:input|output)_(?:\w+_)?partition\w*|visible_devices|world[ _]size|\bnnodes\b|"
    r"\bpartitions\b"
)
DIVIDES = (
    r"divisib|divi(?:de|ded|sor)\b|multiple of|greater than|larger than|smaller than|exceed|"
    r"more than|less than|aligned|too (?:large|many|small|few)|evenly|(?:not|n't) (?:match|divide)|"
    r"needs? (?:devices|\d|at least)|local range|not enough|must (?:be )?(?:1\b|one\b|"
    r"equal|the same|match)"
)
PYTHON = (
    r"(?:not enough|too many) values to unpack|cannot unpack non-iterable|"
    r"\b(?:max|min)\(\) (?:iterable argument|arg) is (?:an )?empty|"
    r"'NoneType' object (?:is not|has no attribute|does not)|"
    r"object is not (?:subscriptable|iterable|callable)|unsupported operand type|"
    r"got multiple values for|index out of range|(?:modulo|division) by zero|"
    r"referenced before assignment|not associated with a value|maximum recursion depth|"
    r"dictionary changed size during|int too large to convert|not supported between instances of|"
    r"is not reversible|Did you mean: '|received an invalid combination of arguments|"
    r"KeyError: '(?:chat)?cmpl-"
)
"""What Python itself says where no code has foreseen what happened."""
SIGNATURE = r"\(\) (?:got an unexpected keyword argument|missing \d+ required|takes (?:from )?\d+ )"
"""How Python words that a function is called as another release of it is."""
