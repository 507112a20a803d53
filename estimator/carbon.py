"""Energy and carbon of rented machines.

They inform. Nothing ranks two clouds by them, because the clouds' grid factors differ in method.
"""

from typing import Any

import numpy as np

from estimator.uncertainty import Range, independent

Number = Any  # a float or a numpy array; formulas take either

_W_PER_KW = 1000.0
_G_PER_KG = 1000.0


def accelerator_power_w(
    *,
    accelerators_count: Number,
    tdp_w: Number,
    busy_fraction: Number,
    load_power_fraction: Range,
    idle_power_fraction: Range,
    server_factor: Range,
) -> Range:
    """Return the mean electric power of one instance with accelerators, without the building. [W]

    Between idle and load the power of an accelerator is taken as linear in ``busy_fraction``; ``server_factor`` adds
    CPUs, fans and network in proportion. NaN where the vendor states no TDP. Source: ``power`` in docs/estimates.md.
    """
    rated = np.asarray(accelerators_count, dtype=float) * np.asarray(tdp_w, dtype=float)
    busy = np.asarray(busy_fraction, dtype=float)
    drawn = Range(
        *(
            rated * (idle + (load - idle) * busy)
            for idle, load in zip(idle_power_fraction, load_power_fraction, strict=True)
        )
    )
    return independent(drawn, server_factor)


def cpu_power_w(*, vcpus_count: Number, busy_fraction: Number, idle_w_per_vcpu: Range, load_w_per_vcpu: Range) -> Range:
    """Return the mean electric power of one CPU instance, without the building. [W]

    Linear between an idle and a loaded vCPU. Source: Cloud Carbon Footprint methodology, "Compute".
    """
    busy = np.asarray(busy_fraction, dtype=float)
    count = np.asarray(vcpus_count, dtype=float)
    return Range(
        *(count * (idle + (load - idle) * busy) for idle, load in zip(idle_w_per_vcpu, load_w_per_vcpu, strict=True))
    )


def energy_kwh(*, power_w: Range, hours: Range, pue: Range) -> Range:
    """Return the energy drawn from the grid. [kWh]

    Power × hours × power usage effectiveness of the building; the three err independently. Source: definition of PUE
    (ISO/IEC 30134-2).
    """
    drawn = independent(power_w, hours, pue)
    return Range(*(end / _W_PER_KW for end in drawn))


def carbon_kg(*, energy_kwh: Range, grid_gco2e_per_kwh: Number) -> Range:
    """Return operational emissions, location-based: energy × grid factor, before any certificates. [kg CO₂e]

    NaN where the region's grid factor is not known. Making the hardware is not counted. Source: GHG Protocol scope 2
    guidance, location-based method.
    """
    grid = np.asarray(grid_gco2e_per_kwh, dtype=float)
    return Range(*(end * grid / _G_PER_KG for end in energy_kwh))
