"""What every resource's model shares.

The API server has checked the rules already; these give types and defaults.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

API_GROUP = "tigerex.dev"
API_VERSION = f"{API_GROUP}/v1alpha1"

# Plain decimal: digits, at most 8 decimals, no sign, no exponent.
Decimal = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,8})?$")]
AssetCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,15}$")]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][-a-z0-9_.]{0,39}$")]


class Model(BaseModel):
    """An immutable part of a spec, in camel case on the wire.

    A field that the schema does not have is refused.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )
