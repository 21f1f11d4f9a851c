// Fixed schedules: functions of the step and the planned total only, so they are part of the plan and cost nothing.

import Glibc

/// Adam's learning rate at step t of T: cosine decay from `start` to a twentieth of it.
func cosineRate(_ start: Double, step t: Int, of total: Int) -> Double {
    start * (0.95 * 0.5 * (1 + cos(.pi * Double(t) / Double(max(total, 1)))) + 0.05)
}

/// Part of a learning rate or weight that is in force at step t: grows to 1 over the first `steps` steps.
func warmUpFactor(_ t: Int, over steps: Int) -> Double { steps > 0 ? min(1, Double(t + 1) / Double(steps)) : 1 }
