"""How a law is tried on captures: in one test for each origin, which names all that break it."""

from collections.abc import Callable, Iterable

import pytest

from .captures import Capture

type Law = Callable[[Capture], None]


def over(captures: Iterable[Capture]) -> Callable[[Law], Callable[[str], None]]:
    """Return what makes a test of a law; a test for each capture costs more than most laws."""
    origins: dict[str, list[Capture]] = {}
    for capture in captures:
        origins.setdefault(capture.origin, []).append(capture)

    def tests(law: Law) -> Callable[[str], None]:
        @pytest.mark.parametrize("origin", origins)
        def test(origin: str) -> None:
            tried = {capture.name: _broken(law, capture) for capture in origins[origin]}
            if broken := {name: err for name, err in tried.items() if err}:
                raise ExceptionGroup(f"broken by {', '.join(broken)}", [*broken.values()])

        test.__name__, test.__doc__ = law.__name__, law.__doc__
        return test

    return tests


def _broken(law: Law, capture: Capture) -> Exception | None:
    """Return how a capture breaks a law."""
    try:
        law(capture)
    except Exception as err:  # the other captures are tried as well
        err.add_note(f"by {capture.name}")
        return err
    return None
