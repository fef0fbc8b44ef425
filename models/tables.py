"""Every table, imported once: for migrations, and for whoever needs the whole metadata."""

from models import (  # noqa: F401 - a table is there once its module is
    ledger,
)
from models.appeals import (  # noqa: F401 - a table is there once its module is
    appeal,
    flag,
    revision,
)
from models.core import (  # noqa: F401 - a table is there once its module is
    audit_trail,
)
from models.core.base import Base
from models.disbursements import (  # noqa: F401 - a table is there once its module is
    disbursement,
    payee,
)
from models.donors import (  # noqa: F401 - a table is there once its module is
    message,
    receipt,
    recurring_gift,
)
from models.giving import (  # noqa: F401 - a table is there once its module is
    allocation,
    pledge,
    pool,
    refund_run,
)
from models.goods import (  # noqa: F401 - a table is there once its module is
    exchange,
)
from models.market import (  # noqa: F401 - a table is there once its module is
    listing,
)
from models.notifications import (  # noqa: F401 - a table is there once its module is
    broadcast,
    channel_pause,
    delivery_report,
    mute,
    notification,
    outbox,
    service_window,
    subscription,
)
from models.outreach import (  # noqa: F401 - a table is there once its module is
    update,
)
from models.payments import (  # noqa: F401 - a table is there once its module is
    order,
    refund,
)
from models.people import (  # noqa: F401 - a table is there once its module is
    conversation,
    photo,
    user,
)
from models.places import (  # noqa: F401 - a table is there once its module is
    region,
)
from models.proxy import (  # noqa: F401 - a table is there once its module is
    card,
    consent_code,
    mandate,
)
from models.staff import (  # noqa: F401 - a table is there once its module is
    conflict_of_interest,
    decision,
    member,
    task,
)
from models.support import (  # noqa: F401 - a table is there once its module is
    ticket,
)
from models.treasury import (  # noqa: F401 - a table is there once its module is
    bill,
    discrepancy,
    fee_cover,
    settlement,
    top_up,
)
from models.upkeep import (  # noqa: F401 - a table is there once its module is
    dead_job,
    schedule,
)
from models.verification import (  # noqa: F401 - a table is there once its module is
    case,
    objection,
    registry,
    visit,
)

metadata = Base.metadata
