"""Unit names and conversions: the only place where 1024, 730 or 1e9 stand.

Inside the catalog memory is decimal GB, storage decimal TB, time hours or days, money US dollars.
GiB and prices per thousand tokens are met only at the border, and converted here.
"""

BYTES_PER_GB = 1_000_000_000
BYTES_PER_GIB = 1024**3
GB_PER_GIB = BYTES_PER_GIB / BYTES_PER_GB
GB_PER_TB = 1000.0

HOURS_PER_DAY = 24.0
HOURS_PER_MONTH = 730.0  # the billing month of all three providers: 8,760 hours / 12
DAYS_PER_MONTH = HOURS_PER_MONTH / HOURS_PER_DAY
SECONDS_PER_HOUR = 3600.0

TOKENS_PER_MTOK = 1_000_000


def gb_from_gib(gib: float) -> float:
    """Return decimal gigabytes for binary gibibytes. [GB]

    Vendors and clouds write "GB" for either; the catalog's files say ``_gib`` where the interface reports GiB.
    Exact by definition (1 GiB = 2**30 bytes). Source: IEC 80000-13.
    """
    return gib * GB_PER_GIB


def gib_from_gb(gb: float) -> float:
    """Return binary gibibytes for decimal gigabytes: how makers and clouds quote memory. [GiB]

    Exact by definition (1 GiB = 2**30 bytes), for numbers and arrays alike. Source: IEC 80000-13.
    """
    return gb / GB_PER_GIB


def usd_per_gb_month_from_gib_month(price: float) -> float:
    """Return a storage price per decimal GB·month for one quoted per GiB·month. [USD GB⁻¹ month⁻¹]

    One GiB holds more than one GB, so the price per GB is lower. Holds for meters that bill GiB under the name GB
    (EBS, S3, Google disks). Source: IEC 80000-13.
    """
    return price / GB_PER_GIB
