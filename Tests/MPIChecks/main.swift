import CMPI
import CMPICount
import Foundation
import GroupChecks
import MDCore
import MDParallel

// What the tests of groups check on threads, on processes of MPI: started under `mpirun` by FaultlineTests. Prints what
// went wrong, "abort" as argument asks for the end of all ranks by one of a group, and ends with 0 if all is well.

MPI.initialise()
let world = MPICommunicator(handle: cmpi_world())
if CommandLine.arguments.contains("abort") {
  // The first rank waits in a group of its own.
  let group = world.split(color: world.isRoot ? 0 : 1, key: 0)
  if world.rank == world.size - 1 { group?.abort(42) }
  while true { sleep(1) }
}

var failures = GroupChecks.failures(world)
if world.size == SideBySide.ranks {
  let alone = try SideBySide.alone(world)
  let together = try SideBySide.together(world)
  if alone.numbers != together.numbers || together.numbers.count < 30 {
    failures.append("rank \(world.rank): side by side \(together.numbers), alone \(alone.numbers)")
  }
}
let (made, freed) = (cmpi_communicators_made(), cmpi_communicators_freed())
if made == 0 || made != freed { failures.append("rank \(world.rank): \(freed) of \(made) communicators are freed") }
for failure in failures { print(failure) }
let isWell = !world.any(!failures.isEmpty)
if isWell, world.isRoot { print("all is well on \(world.size) ranks") }
MPI.finalise()
exit(isWell ? 0 : 1)
