"""Which threads train at once: what the probe says of them."""

import threading

from samebits_probe.watchers.trainers import Trainers


class Said(list):
    """Stands for the probe: keeps what is not observed, once."""

    def not_observed(self, point, why):
        if point not in self:
            self.append(point)


def stepping(trainers):
    """A thread that makes a step, and is there until the function it comes with is called."""
    over, made = threading.Event(), threading.Event()

    def run():
        trainers.step()
        made.set()
        over.wait(60)

    thread = threading.Thread(target=run)
    thread.start()
    made.wait(60)

    def end():
        over.set()
        thread.join()

    return end


def test_threads_that_train_beside_each_other_are_said_once():
    trainers = Trainers(said := Said())
    ends = [stepping(trainers) for _ in range(3)]
    for end in ends:
        end()
    assert said == ["training in another thread"]


def test_threads_that_train_one_after_the_other_have_an_order():
    trainers = Trainers(said := Said())
    for _ in range(3):
        stepping(trainers)()
    assert said == []


def test_a_thread_that_trains_after_the_main_thread_did_has_an_order():
    trainers = Trainers(said := Said())
    trainers.step()
    end = stepping(trainers)
    assert said == []
    trainers.step()  # while the other is there
    assert said == ["training in another thread"]
    end()
