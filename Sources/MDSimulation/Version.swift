/// The version of the program; checkpoints and run.json carry it.
package let faultlineVersion = "0.1.0"
