/**
 * What Python itself is known for: names and modules that every supported version has (3.8 to 3.14), and functions whose
 * evaluation at module level affects nothing but what it returns. A test asks the interpreters whether these are there.
 */

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}

export const BUILTIN_CLASSES = words(`
  ArithmeticError AssertionError AttributeError BaseException BlockingIOError BrokenPipeError BufferError BytesWarning
  ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError
  DeprecationWarning EOFError EnvironmentError Exception FileExistsError FileNotFoundError FloatingPointError
  FutureWarning GeneratorExit IOError ImportError ImportWarning IndentationError IndexError InterruptedError
  IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError
  NotADirectoryError NotImplementedError OSError OverflowError PendingDeprecationWarning PermissionError
  ProcessLookupError RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration
  StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError TypeError UnboundLocalError
  UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError
  Warning ZeroDivisionError bool bytearray bytes classmethod complex dict enumerate filter float frozenset int list
  map memoryview object property range reversed set slice staticmethod str super tuple type zip`);

export const BUILTINS: ReadonlySet<string> = new Set([
  ...BUILTIN_CLASSES,
  ...words(`
  Ellipsis NotImplemented __debug__ __import__ __name__ __file__ __doc__ abs all any ascii bin breakpoint callable chr
  compile delattr dir divmod eval exec format getattr globals hasattr hash help hex id input isinstance issubclass iter
  len locals max min next oct open ord pow print repr round setattr sorted sum vars`),
]);

/** Importing these changes nothing that a test could notice. */
export const HARMLESS_MODULES = words(`
  __future__ abc argparse array ast asyncio base64 bisect builtins calendar codecs collections collections.abc
  configparser contextlib contextvars copy copyreg csv ctypes dataclasses datetime decimal difflib dis email enum errno
  fnmatch fractions functools gc getpass gettext glob gzip hashlib heapq hmac html http http.client importlib
  importlib.abc importlib.util inspect io ipaddress itertools json keyword linecache locale logging logging.handlers
  math mimetypes numbers operator os os.path pathlib pickle pkgutil platform pprint queue random re reprlib secrets
  select shlex shutil signal socket sqlite3 ssl stat statistics string struct subprocess sys sysconfig tempfile textwrap
  threading time timeit token tokenize traceback types typing unicodedata unittest unittest.mock urllib urllib.error
  urllib.parse urllib.request uuid warnings weakref xml.etree.ElementTree zipfile zlib`);

const MEMBERS: Readonly<Record<string, string>> = {
  __future__: "annotations absolute_import division print_function unicode_literals generator_stop",
  abc: "ABC ABCMeta abstractmethod",
  collections: "ChainMap Counter OrderedDict UserDict UserList UserString defaultdict deque namedtuple",
  "collections.abc":
    "AsyncGenerator AsyncIterable AsyncIterator Awaitable Callable Collection Container Coroutine Generator Hashable " +
    "ItemsView Iterable Iterator KeysView Mapping MutableMapping MutableSequence MutableSet Reversible Sequence Set " +
    "Sized ValuesView",
  contextlib:
    "ExitStack AsyncExitStack asynccontextmanager closing contextmanager nullcontext redirect_stderr redirect_stdout suppress",
  copy: "copy deepcopy",
  dataclasses: "dataclass field fields asdict astuple replace is_dataclass",
  datetime: "date datetime time timedelta timezone tzinfo",
  decimal: "Decimal",
  enum: "Enum Flag IntEnum IntFlag auto unique",
  fractions: "Fraction",
  functools:
    "cached_property lru_cache partial partialmethod reduce singledispatch total_ordering update_wrapper wraps",
  io: "BytesIO StringIO TextIOWrapper",
  itertools:
    "accumulate chain combinations count cycle groupby islice permutations product repeat starmap takewhile zip_longest",
  operator: "attrgetter itemgetter methodcaller",
  pathlib: "Path PurePath PurePosixPath PureWindowsPath",
  types: "CodeType FrameType FunctionType MappingProxyType MethodType ModuleType SimpleNamespace TracebackType",
  typing:
    "IO TYPE_CHECKING AbstractSet Any AnyStr AsyncGenerator AsyncIterable AsyncIterator Awaitable BinaryIO ByteString " +
    "Callable ClassVar Collection Container ContextManager Coroutine Counter DefaultDict Deque Dict Final FrozenSet " +
    "Generator Generic Hashable ItemsView Iterable Iterator KeysView List Literal Mapping Match MutableMapping " +
    "MutableSequence MutableSet NamedTuple NewType NoReturn Optional OrderedDict Pattern Protocol Reversible Sequence " +
    "Set Sized SupportsInt Text TextIO Tuple Type TypeVar TypedDict Union ValuesView cast final get_type_hints " +
    "no_type_check overload runtime_checkable",
  unittest: "TestCase mock skip skipIf skipUnless",
  "unittest.mock": "ANY AsyncMock MagicMock Mock PropertyMock call create_autospec mock_open patch sentinel",
};
// Gone from Python 3.14.
const GONE = new Set(["typing.ByteString"]);

/** Names of the standard library, as `module.name`. */
export const KNOWN_MEMBERS: ReadonlySet<string> = new Set(
  Object.entries(MEMBERS).flatMap(([module, names]) =>
    names
      .split(" ")
      .map((name) => `${module}.${name}`)
      .filter((name) => !GONE.has(name)),
  ),
);

/** Calls with literals that return a value and do nothing else; by full name. */
export const PURE_CALLS = words(`
  object str bool property threading.Lock threading.RLock threading.local logging.getLogger typing.TypeVar
  typing.NewType dataclasses.field enum.auto pathlib.Path pathlib.PurePath types.SimpleNamespace`);

/** Calls that compute a value from what they are given, or fail with it, and do nothing else; by full name. */
export const COMPUTING_CALLS = words(`
  len int float complex bytes bytearray list tuple dict set frozenset slice range zip enumerate reversed sum any all abs
  round divmod pow chr ord hex oct bin repr ascii hash isinstance issubclass callable
  collections.ChainMap collections.Counter collections.OrderedDict collections.defaultdict collections.deque
  collections.namedtuple contextvars.ContextVar copy.copy copy.deepcopy datetime.date datetime.datetime datetime.time
  datetime.timedelta datetime.timezone decimal.Decimal fractions.Fraction functools.partial itertools.chain
  itertools.product operator.attrgetter operator.itemgetter operator.methodcaller os.getenv os.environ.get
  os.path.abspath os.path.basename os.path.dirname os.path.join os.path.normpath os.path.split os.path.splitext
  re.compile re.escape string.Template struct.Struct struct.calcsize textwrap.dedent threading.Event
  types.MappingProxyType typing.NamedTuple uuid.UUID weakref.WeakKeyDictionary weakref.WeakSet
  weakref.WeakValueDictionary`);

/** Classes of the standard library that make others out of what they are given, or refuse it, and do nothing else. */
export const COMPUTING_BASES = words("typing.NamedTuple typing.TypedDict");

/** Of these, those of which something else may be left whenever somebody reads from what they return. */
export const LIVING_CALLS = words(`
  zip enumerate reversed itertools.chain itertools.product collections.defaultdict`);

/** Decorators that compute with what they are given, or refuse it, and do nothing else. */
export const COMPUTING_DECORATORS = words("dataclasses.dataclass enum.unique functools.total_ordering");

/** Calls and decorators that keep what they are given and look at it no further. */
export const KEEPING_CALLS = words(`
  property staticmethod classmethod functools.wraps functools.lru_cache functools.cached_property abc.abstractmethod
  contextlib.contextmanager contextlib.asynccontextmanager typing.overload typing.final typing.no_type_check
  typing.cast typing.runtime_checkable pytest.fixture pytest.param functools.cache`);

/** Classes of the standard library that take part in the making of those that derive from them, and may refuse. */
const MAKING_BASES =
  /^(enum\.|ctypes\.|string\.Template$|typing\.(NamedTuple|TypedDict)$|builtins\.type$|abc\.ABCMeta$)/;

/** Whether one may derive from a class, by its full name, without anybody noticing. */
export function isHarmlessBase(name: string): boolean {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? BUILTIN_CLASSES.has(name) : HARMLESS_MODULES.has(name.slice(0, dot)) && !MAKING_BASES.test(name);
}

/** How many arguments the generic types of `typing` take; those left out here check more than their number. */
const ARITIES: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    (
      "AbstractSet AsyncIterable AsyncIterator Awaitable ClassVar Collection Container Counter Deque Final FrozenSet " +
      "Iterable Iterator List MutableSequence MutableSet Optional Reversible Sequence Set Type ValuesView KeysView"
    )
      .split(" ")
      .map((name) => [name, 1]),
  ),
  ...Object.fromEntries(
    "DefaultDict Dict ItemsView Mapping MutableMapping OrderedDict".split(" ").map((name) => [name, 2]),
  ),
};

/** Whether `name[…]` with so many arguments is a type, and nothing can go wrong. */
export function isGenericType(name: string, count: number, python: readonly [number, number]): boolean {
  if (name.startsWith("typing.")) {
    const own = name.slice("typing.".length);
    return own === "Union" || own === "Literal" || own === "Tuple" || ARITIES[own] === count;
  }
  return (python[0] > 3 || python[1] >= 9) && /^(list|dict|tuple|set|frozenset|type)$/.test(name);
}
