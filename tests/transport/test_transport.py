from __future__ import annotations

from fo_labelstudio.transport.transport import Addresses, Senders, ShownFile, Writers


class Noted(Addresses):
    """Names files by their medium, and notes what it is asked."""

    def __init__(self, medium, asked):
        super().__init__(lambda path: f"{medium}:{path}")
        self._medium, self._asked = medium, asked

    def send(self, paths):
        self._asked.append((self._medium, *paths))
        return super().send(paths)

    def undo(self):
        self._asked.append((self._medium, "undone"))


FILES = [ShownFile("video", "a"), ShownFile("image", "b"), ShownFile("image", "a"), ShownFile("image", "b")]


def test_files_of_several_media_have_a_sender_each_which_is_made_once_and_asked_once():
    asked, made = [], []
    senders = Senders(lambda medium: made.append(medium) or Noted(medium, asked))
    assert senders.addresses_of([]) == {} and made == []
    addresses = senders.addresses_of(FILES)
    assert [addresses[file] for file in FILES] == ["video:a", "image:b", "image:a", "image:b"]
    assert senders.addresses_of(FILES[:1]) == {FILES[0]: "video:a"}
    assert made == ["video", "image"]
    assert asked == [("video", "a"), ("image", "b", "a"), ("video", "a")]


def test_what_was_written_of_each_medium_is_taken_away():
    asked = []
    writers = Writers(lambda medium: Noted(medium, asked))
    writers.addresses_of(FILES)
    writers.undo()
    assert asked[-2:] == [("video", "undone"), ("image", "undone")]
