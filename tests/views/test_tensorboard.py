"""TensorBoard's files hold what a trial told, and the view behind still hears of it."""

from pathlib import Path

from small_record import STUDY
from tensorboardX.proto.event_pb2 import Event

from autopelt.views.tensorboard import TensorBoardView


class Heard:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def message(self, text: str) -> None:
        self.calls.append(text)

    def started(self, trial: object, study: object) -> None:
        self.calls.append("started")

    def doing(self, number: int | None, text: str) -> None:
        self.calls.append("doing")

    def progressed(self, number: int, result: object) -> None:
        self.calls.append("progressed")

    def finished(self, trial: object, study: object) -> None:
        self.calls.append("finished")


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every scalar of a folder's event files: records of length, checksum, bytes, checksum."""
    found: dict[str, list[tuple[int, float]]] = {}
    for path in folder.glob("events*"):
        raw, at = path.read_bytes(), 0
        while at < len(raw):
            size = int.from_bytes(raw[at : at + 8], "little")
            event = Event.FromString(raw[at + 12 : at + 12 + size])
            at += 12 + size + 4
            for value in event.summary.value:
                if value.WhichOneof("value") == "simple_value":
                    found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def test_curves_and_the_end_are_written(tmp_path: Path) -> None:
    heard = Heard()
    view = TensorBoardView(heard, tmp_path)
    trial = STUDY.trials[0]
    view.started(trial, STUDY)
    for epoch, score in ((1, 0.5), (2, 0.75)):
        result = {"epoch": epoch, "loss": 1 / epoch, "score": score, "metrics": {"f1": score / 2}}
        view.progressed(trial.number, result)
    view.message("careful")
    view.finished(trial, STUDY)
    assert heard.calls == ["started", "progressed", "progressed", "careful", "finished"]
    written = scalars(tmp_path / "0000-lora-r8")
    assert written["selection/score"] == [(1, 0.5), (2, 0.75)]
    assert written["train/loss"] == [(1, 1.0), (2, 0.5)]
    assert written["selection/f1"] == [(1, 0.25), (2, 0.375)]
    assert written["trial/parameters"] == [(0, trial.count.deployed)]
