"""`datetime` and `date` whose now() is that of the held clock, for the program's own code."""

from . import callers


def replace_dates(module, now):
    """Put subclasses in the place of datetime.datetime and datetime.date. `now`: function -> seconds since 1970."""
    module.datetime, module.date = _datetime(module.datetime, now), _date(module.date, now)


def _meta(original):
    class Meta(type):
        """Instances and subclasses of the original count as those of its stand-in."""

        def __instancecheck__(cls, instance):
            return isinstance(instance, original)

        def __subclasscheck__(cls, subclass):
            return issubclass(subclass, original)

    return Meta


def _dress(cls, original):
    cls.__name__, cls.__qualname__ = original.__name__, original.__qualname__
    cls.__module__, cls.__doc__ = original.__module__, original.__doc__
    return cls


def _datetime(original, now):
    class Datetime(original, metaclass=_meta(original)):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(now(), tz) if callers.is_program(1) else super().now(tz)

        @classmethod
        def today(cls):
            return cls.fromtimestamp(now()) if callers.is_program(1) else super().today()

        @classmethod
        def utcnow(cls):
            return cls.utcfromtimestamp(now()) if callers.is_program(1) else super().utcnow()

    return _dress(Datetime, original)


def _date(original, now):
    class Date(original, metaclass=_meta(original)):
        @classmethod
        def today(cls):
            return cls.fromtimestamp(now()) if callers.is_program(1) else super().today()

    return _dress(Date, original)
