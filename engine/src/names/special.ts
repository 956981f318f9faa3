/** Names that Python or pytest look up in a module without anybody's mentioning them. */

const SPECIAL =
  /^(pytest_.*|pytestmark|pytest_plugins|__all__|__getattr__|__dir__|__path__|collect_ignore.*|(setup|teardown)_?(module|function|class|method)?|(setUp|tearDown)Module|load_tests|__test__|__tracebackhide__)$/;

export function isSpecial(name: string): boolean {
  return SPECIAL.test(name);
}
