"""Contexts alone: slices go to the context that was current, and to both where two threads overlap."""

import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from winnow_collector.contexts import Contexts


class Touched:
    """What a tracer would give at the next slice."""

    def __init__(self):
        self.codes = []

    def take(self):
        taken, self.codes = self.codes, []
        return taken


def in_thread(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()


def test_slices_go_to_the_current_context():
    touched = Touched()
    contexts = Contexts(touched.take)
    outer, inner = contexts.new("fixture", "outer"), contexts.new("import", "inner")
    touched.codes = [1]
    contexts.enter(outer)
    touched.codes = [2]
    contexts.enter(inner)
    touched.codes = [2, 3]
    contexts.leave(inner)
    touched.codes = [4]
    contexts.leave(outer)
    touched.codes = [5]
    contexts.slice()
    assert (contexts.session.codes, outer.codes, inner.codes) == ({1, 5}, {2, 4}, {2, 3})


def test_contexts_of_two_threads_share_what_they_may_both_have_run():
    touched = Touched()
    contexts = Contexts(touched.take)
    test, other = contexts.new("fixture", "test"), contexts.new("import", "other")
    contexts.enter(test)
    in_thread(contexts.enter, other)
    touched.codes = [1]
    # The outer one ends first.
    contexts.leave(test)
    assert test.codes == other.codes == {1}
    touched.codes = [2]
    in_thread(contexts.leave, other)
    # The session runs in the first thread too.
    assert (test.codes, other.codes, contexts.session.codes) == ({1}, {1, 2}, {1, 2})
    touched.codes = [3]
    contexts.slice()
    assert other.codes == {1, 2} and contexts.current is contexts.session
    again = contexts.new("fixture", "again")
    contexts.enter(again)
    touched.codes = [4]
    contexts.leave(again)
    assert again.codes == {4} and contexts.session.codes == {1, 2, 3}


def test_what_a_context_absorbs_keeps_its_first_values():
    contexts = Contexts(list)
    one, two, used = contexts.new("fixture", "one"), contexts.new("fixture", "two"), contexts.new("import", "used")
    one.add_input("file", "a", "first")
    two.add_input("file", "a", "second")
    two.add_input("file", "b", "only")
    two.add_opaque("child process")
    two.use(used)
    two.use(one)
    two.touch([7])
    contexts.take_changed()
    one.absorb(two)
    frame, codes = one.news()
    assert (frame["inputs"], codes) == ([("file", "a", "first"), ("file", "b", "only")], [7])
    assert (frame["uses"], frame["opaque"]) == ([used.id], ["child process"])
    assert contexts.take_changed() == [one]
    frame, codes = one.news()
    assert (frame["inputs"], frame["uses"], frame["opaque"], codes) == ([], [], [], [])
