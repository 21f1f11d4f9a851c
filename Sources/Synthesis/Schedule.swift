// Fixed schedules: functions of the step and the planned total only, so they are part of the plan and cost nothing.

import Glibc

/// Adam's rate at step t of T: cosine decay from `start` to a twentieth of it.
func cosineRate(_ start: Double, step t: Int, of total: Int) -> Double {
    start * (0.95 * 0.5 * (1 + cos(.pi * Double(t) / Double(max(total, 1)))) + 0.05)
}

/// Weight of the old average after step t: short memory first, so that the starting weights are forgotten.
func averageDecay(_ most: Double, step t: Int) -> Double { min(most, Double(1 + t) / Double(10 + t)) }
