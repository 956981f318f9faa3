# ruff: noqa
# fmt: off
"""Every shape of function, for test_probes_lines: each `case_…` is called with and without probes.

The formatting is part of it. Not collected: nothing in here is a test.
"""
import asyncio
import contextlib
import functools
import sys


def case_plain():
    "doc"
    x = 1
    return x


def case_docstring_only():
    """only
    this"""


def case_pass():
    pass


def case_ellipsis(): ...


def case_one_line(): return 1


def case_multi_line():
    return (
        len(
            "abc"
        )
    )


def case_format():
    return "%s %s" % (1,
                      case_plain())


def case_while_true():
    while True:
        break


def case_while_one():
    while 1:
        x = 1
        if x:
            break
    else:
        pass
    return 3


def case_if_false():
    if False:
        x = 1
    y = 2
    return y


def case_if_debug():
    if __debug__:
        x = 1
    return x


def case_globals():
    global _seen
    _seen = 1
    a: int
    b: int = 3

    def inner():
        nonlocal b
        b = 4
        return b
    return inner()


def case_only_global():
    global _seen


def case_decorated():
    @functools.lru_cache(
        maxsize=None)
    @functools.wraps(case_plain)
    def inner(a=case_plain(),
              b=2):
        return a
    return inner()


def case_class():
    class A:
        "doc"
        x = 1

        def method(self):
            """doc"""
            return self.x

        @property
        def prop(self): return [i for i in range(3) if i]

        @staticmethod
        def gen(n):
            for i in range(n):
                yield i
    return A().method(), A().prop, list(A.gen(3))


def case_class_decorated():
    @functools.partial(lambda mark, cls: cls, 1)
    class A:
        pass
    return A


def case_try():
    try:
        1 / 0
    except ZeroDivisionError as e:
        return str(e)
    finally:
        case_plain()


def case_with():
    with contextlib.suppress(ValueError), \
            contextlib.suppress(KeyError):
        raise KeyError(1)
    return 1


def case_for():
    for i in (
            1,
            2):
        if i == 1:
            continue
    else:
        i = 3
    return i


def case_while_condition():
    i = 0
    while i < 3: i += 1
    while i < 6:
        i += 1
    return i


def case_first_while(n=3):
    while n:
        n -= 1


def case_lambda():
    f = lambda a, b=lambda: 2: a + b()
    g = lambda: (
        3 +
        f(1)
    )
    return sorted([3, 1, 2], key=lambda v: -v), f(1), g(), (lambda: (yield 5))().send(None)


def case_generator():
    def g(n):
        """doc"""
        x = yield
        while n:
            y = yield x
            n -= 1
            if y:
                z = (yield 1, (yield 2))
                continue
        yield
        return n
    it = g(4)
    next(it)
    out = [it.send(1)]
    for i in range(9):
        try:
            out.append(it.send(i))
        except StopIteration as e:
            out.append(e.value)
            break
    return out


def case_generator_finally():
    def g():
        try:
            yield 1
            "continued"
        finally:
            "finally"

    def h():
        try:
            try:
                yield 1
            except ValueError:
                pass
            yield 2
        except (KeyError,
                IndexError) as e:
            yield 3
        else:
            yield 4
        finally:
            pass
    next(g())
    it = h()
    out = [next(it), it.throw(ValueError()), it.throw(KeyError()), list(it)]
    it = h()
    next(it)
    it.close()
    it = h()
    out += list(it)
    return out


def case_yield_from():
    def inner():
        a = yield 1
        yield from [2, a]
        return 4

    def outer():
        x = yield from inner()
        yield (
            x
        )
        yield from inner(

        )
        return (yield)
    it = outer()
    return list(it)


def case_with_yield():
    @contextlib.contextmanager
    def manager():
        with contextlib.suppress(ValueError):
            yield 1
            return
        if 1:
            case_plain()
    with manager():
        raise ValueError
    with manager() as x:
        return x


def case_loop_with_yield():
    def g():
        for i in range(3):
            with contextlib.suppress(ValueError):
                yield i
        while i:
            with contextlib.suppress(ValueError):
                yield i
            i -= 1
        if i == 0:
            with contextlib.suppress(ValueError):
                yield
        else:
            i = 3
    it = g()
    out = []
    for i in it:
        out.append(i)
        if i == 1:
            try:
                it.throw(ValueError())
            except StopIteration:
                pass
    return out


class Manager:
    def __init__(self, swallow=False):
        self.swallow = swallow

    async def __aenter__(self):
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *args):
        await asyncio.sleep(0)
        return self.swallow


async def ticks(n):
    for i in range(n):
        yield i
        await asyncio.sleep(0)


def case_async():
    async def main():
        """doc"""
        async with Manager() as m, Manager(
                True):
            await asyncio.sleep(0)
            x = await one(1)
            raise ValueError
        async with Manager(): pass
        async with Manager():
            if m:
                x += 1
        if x:
            async with Manager():
                pass
            return 1
        return x

    async def one(a):
        return a

    async def loops():
        out = []
        async for i in ticks(3):
            out.append(i)
        async for i in ticks(2):
            pass
        else:
            out.append(7)
        for j in range(2):
            async with Manager():
                if j:
                    break
                continue
        else:
            out.append(8)
        while out:
            async with Manager():
                out.pop()
        async for i in ticks(4):
            if i == 2:
                break
            try:
                async with Manager():
                    pass
            except ValueError:
                pass
            else:
                out.append(i)
            finally:
                await one(1)
        return out

    async def comprehensions():
        a = [i async for i in ticks(3)]
        b = {i: await one(i) for i in range(3) if await one(i)}
        c = {i + j async for i in ticks(2) if i for j in range(2)}
        d = (i async for i in ticks(2))
        e = [i async for i in d]
        f = (await one(i) for i in range(2))
        return a, b, c, e, [
            i
            async for i in f
        ], (
            await one(
                3
            ),
            await one(4),
        )
    return asyncio.run(main()), asyncio.run(loops()), asyncio.run(comprehensions())


def case_cancel():
    log = []

    async def worker():
        try:
            while True:
                await asyncio.sleep(10)
        except asyncio.CancelledError:
            log.append(1)
            raise
        finally:
            log.append(2)

    async def main():
        task = asyncio.ensure_future(worker())
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            log.append(3)
    asyncio.run(main())
    return log


def case_async_generator_throw():
    async def agen():
        try:
            x = yield 1
            yield x
        except ValueError:
            yield 5
        finally:
            await asyncio.sleep(0)

    async def main():
        g = agen()
        out = [await g.__anext__(), await g.asend(3), await g.athrow(ValueError())]
        await g.aclose()
        return out
    return asyncio.run(main())


def case_genexpr():
    a = (x for x in range(3))
    b = (x for x in range(3)
         if x
         if x > 1)
    c = (x + y for x in range(2) for y in range(x))
    d = any(x for x in range(3))
    e = ",".join(str(x) for x in range(3))
    f = sum(
        x
        for x in range(4)
    )
    return list(a), list(b), list(c), d, e, f


def case_raise():
    try:
        case_raiser()
    except ValueError as e:
        tb = e.__traceback__
        return tb.tb_lineno, tb.tb_next.tb_lineno


def case_raiser():
    raise ValueError(
        "x")


def case_assert():
    assert case_plain(), "x"
    return 1


def case_import():
    from os import (
        path,
        sep,
    )
    import sys as s
    return path.join("a", "b") + sep + s.executable


def case_delete():
    d = {1: 2}

    def inner():
        del d[
            1]
        return d
    return inner()


def case_locals():
    a = 1
    return locals(), sys._getframe().f_lineno


def case_fstring():
    return f"{case_plain()} {(lambda: 1)()} {[i for i in range(2)]}"


def case_super():
    class A:
        def f(self):
            return 1

    class B(A):
        def f(self):
            return super().f(), __class__
    return B().f()[0]


def case_star():
    def f(*args, **kwargs): return args, kwargs
    return f(*[1], **{"a": 1})
