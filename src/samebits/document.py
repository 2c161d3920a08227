"""What every document of samebits is: frozen, checked when it is read, written as JSON."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Document"]


class Document(BaseModel):
    """A frozen document. Fields that a newer minor version added are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")
