"""Every error of this package.

::

    LabelStudioError
    ├── SettingsError          a setting is unknown, missing or malformed
    ├── LabelSchemaError       a label field cannot be annotated as asked
    ├── LabelingConfigError    a labeling config that cannot be read, or does not fit the label schema
    ├── SampleError            samples or labels that cannot be sent; found before anything is uploaded
    ├── MatchError             tasks that may show several samples; nothing was changed
    ├── RegionError            a region that cannot be understood; costs only itself
    ├── ExportError            a file that holds no tasks of Label Studio, or is damaged; or tasks that no file can hold
    ├── RunError               the run's project is gone, half-made or already answered
    │   └── AdoptionError          a run of another integration that cannot be taken over; nothing was changed
    └── ServerError            the server, or the way to it
        ├── ConnectionFailedError  nothing answers at the url, or the answer breaks off
        ├── TLSError               the server's certificate is not trusted
        ├── WrongUrlError          something answers, but not at this path
        ├── NotLabelStudioError    the answer is not Label Studio's
        ├── AnswerTooLargeError    the answer is larger than what is read
        ├── HalfMadeError          a part of what was asked was made; what is missing can be made again
        ├── AuthenticationError    the API key is refused
        └── ServerVersionError     the server is too old

A message says what was wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence

from fo_labelstudio.messages import listed


class LabelStudioError(Exception):
    """Base of all errors raised by fo_labelstudio."""


class SettingsError(LabelStudioError, ValueError):
    """A setting is unknown, missing or malformed."""


class LabelSchemaError(LabelStudioError, ValueError):
    """A label field of the label schema cannot be annotated as asked.

    Attributes:
        problem: the message without what to do, for callers that have another remedy
    """

    def __init__(self, problem: str, remedy: str = ""):
        self.problem = problem
        super().__init__(f"{problem}; {remedy}" if remedy else problem)


class LabelingConfigError(LabelStudioError, ValueError):
    """A labeling config that cannot be read, or does not fit the label schema.

    Attributes:
        problems: one message for each thing that does not fit, where there may be many
    """

    def __init__(self, message: str, problems: Sequence[str] = ()):
        self.problems = tuple(problems)
        super().__init__(message + listed(self.problems, " (see .problems)"))


class SampleError(LabelStudioError, ValueError):
    """Samples or labels that cannot be sent.

    Attributes:
        problems: one message per sample or label
    """

    def __init__(self, problems: Sequence[str]):
        self.problems = tuple(problems)
        lines = listed(self.problems, " (see .problems)")
        super().__init__(f"{len(self.problems)} problem(s) with samples:{lines}")


class MatchError(LabelStudioError, ValueError):
    """Tasks that may show several samples.

    Attributes:
        questions: one for each image of a task; see ``convert/media_match.py``
    """

    def __init__(self, questions: Sequence[object]):
        self.questions = tuple(questions)
        lines = listed(self.questions, " (see .questions)")
        super().__init__(
            f"{len(self.questions)} image(s) of tasks may be several samples, so nothing was changed; say which they "
            "are: pass match={key of the tasks' data: field of the samples}, or data_path={address or name: path of "
            f"the file}}:{lines}"
        )


class RegionError(LabelStudioError, ValueError):
    """A region that cannot be understood."""


class ExportError(LabelStudioError, ValueError):
    """A file that holds no tasks of Label Studio, or is damaged; or tasks that cannot be written to one."""


class RunError(LabelStudioError):
    """The run's project is gone, half-made or already answered.

    Attributes:
        project_id: the Label Studio project, if there is one
    """

    def __init__(self, message: str, project_id: int | None = None):
        super().__init__(message)
        self.project_id = project_id


class AdoptionError(RunError):
    """A run of another integration that cannot be taken over.

    Attributes:
        problems: one message for each task, sample or label that cannot be told
    """

    def __init__(self, anno_key: str, problems: Sequence[str], project_id: int | None):
        self.problems = tuple(problems)
        super().__init__(
            f"annotation run {anno_key!r} cannot be taken over for {len(problems)} reason(s), and nothing was changed; "
            "load it with the integration that made it, or annotate anew under another anno_key:"
            f"{listed(self.problems, ' (see .problems)')}",
            project_id,
        )


class ServerError(LabelStudioError):
    """The server refused a request, or could not be reached.

    Attributes:
        status: the HTTP status, or None where there was no answer
        path: the path of the request
        retry_after: seconds that the server asks to wait before the next request, if it does
        tries: how often the request was made, where it was given up after being repeated
    """

    def __init__(
        self, message: str, status: int | None = None, path: str | None = None, retry_after: float | None = None
    ):
        super().__init__(message)
        self.status = status
        self.path = path
        self.retry_after = retry_after
        self.tries: int | None = None


class ConnectionFailedError(ServerError):
    """Nothing answers at the url, or the answer breaks off."""


class TLSError(ServerError):
    """The server's certificate is not trusted."""


class WrongUrlError(ServerError):
    """Something answers, but not at this path."""


class NotLabelStudioError(ServerError):
    """The answer is not Label Studio's."""


class AnswerTooLargeError(ServerError):
    """The answer is larger than what is read."""


class HalfMadeError(ServerError):
    """The server made a part of what was asked; what is missing can be made again."""


class AuthenticationError(ServerError):
    """The API key is refused."""


class ServerVersionError(ServerError):
    """The server is too old."""
