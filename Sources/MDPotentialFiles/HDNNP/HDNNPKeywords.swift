/// The keywords of `input.nn` by what they do to a prediction. What stands in none of the lists
/// is an error: it might change the result.
enum HDNNPKeywords {
  /// Other names of the same keyword.
  static let aliases = [
    "nnp_generation": "nnp_type", "nnp_gen": "nnp_type", "symfunction": "symfunction_short",
    "global_symfunction_short_atomic": "global_symfunction_short", "global_nodes_short_atomic": "global_nodes_short",
    "scale_min_short_atomic": "scale_min_short", "scale_max_short_atomic": "scale_max_short",
    "nn_type_elec": "electrostatic_type", "global_symfunction_elec": "global_symfunction_electrostatic",
  ]

  /// Read and honoured; those marked true may stand several times.
  static let prediction: [String: Bool] = [
    "nnp_type": false, "nn_type_short": false, "number_of_elements": false, "elements": false, "atom_energy": true,
    "cutoff_type": false, "cutoff_alpha": false, "symfunction_short": true, "element_symfunction_short": true,
    "global_symfunction_short": true, "scale_symmetry_functions": false, "center_symmetry_functions": false,
    "scale_symmetry_functions_sigma": false, "scale_min_short": false, "scale_max_short": false,
    "global_hidden_layers_short": false, "global_nodes_short": false, "global_activation_short": false,
    "element_hidden_layers_short": true, "element_nodes_short": true, "element_activation_short": true,
    "normalize_nodes": false, "mean_energy": false, "conv_energy": false, "conv_length": false,
  ]

  /// They switch on a term that there is no code for yet.
  static let unsupported: [String: String] = [
    "use_electrostatics": "electrostatics", "use_electrostatic_nn": "electrostatics",
    "use_fixed_charges": "electrostatics", "use_vdw": "dispersion", "vdw_type": "dispersion",
    "nn_type_vdw": "dispersion", "use_hamiltonian": "a tight-binding Hamiltonian",
    "nn_type_nntb": "a tight-binding Hamiltonian", "global_pairsymfunction_short": "a pair network",
    "global_symfunction_short_pair": "a pair network", "element_pairsymfunction_short": "a pair network",
    "pairsymfunction_short": "a pair network",
  ]

  /// Training, fitting, output and resources: nothing that a prediction depends on.
  static let training: Set<String> = words(
    """
    epochs random_seed random_number_type test_fraction updater_type parallel_mode jacobian_mode update_strategy
    selection_mode selection_mode_energy selection_mode_force selection_mode_charge task_batch_size_energy
    task_batch_size_force task_batch_size_charge memorize_symfunc_results use_short_forces use_short_nn force_weight
    energy_fraction force_fraction charge_fraction short_energy_fraction short_force_fraction rmse_threshold
    rmse_threshold_energy rmse_threshold_force rmse_threshold_charge rmse_threshold_trials
    rmse_threshold_trials_energy rmse_threshold_trials_force rmse_threshold_trials_charge
    short_energy_error_threshold short_force_error_threshold charge_error_threshold total_charge_error_threshold
    repeated_energy_update use_old_weights_short use_old_weights_charge use_old_scaling weights_min weights_max
    weightse_min weightse_max biasweights_min biasweights_max separate_bias_ini_short precondition_weights
    nguyen_widrow_weights_short nguyen_widrow_weights_charge nguyen_widrow_weights_ewald
    use_systematic_weights_short use_systematic_weights_electrostatic main_error_metric
    write_trainpoints write_trainforces write_traincharges write_weights_epoch write_neuronstats write_trainlog
    write_temporary_weights write_pdb write_xyz write_pov write_pwscf write_unformatted read_unformatted
    write_fit_statistics write_symfunctions gradient_type gradient_eta gradient_adam_eta gradient_adam_beta1
    gradient_adam_beta2 gradient_adam_epsilon kalman_type kalman_epsilon kalman_eta kalman_etatau kalman_etamax
    kalman_q0 kalman_q0_charge kalman_qmin kalman_qtau kalman_damp_short kalman_damp_force kalman_damp_charge
    kalman_lambda_short kalman_lambda_charge kalman_lambda_charge_constraint kalman_nue_short kalman_nue_charge
    kalman_nue_charge_constraint save_kalman_matrices read_kalman_matrices reset_kalman separate_kalman_short
    steepest_descent_step_energy_short steepest_descent_step_force_short steepest_descent_step_charge
    force_update_scaling charge_update_scaling random_order_training update_single_element
    update_worst_short_energies update_worst_short_forces update_worst_charges growth_mode use_damping fix_weights
    weight_constraint weighte_constraint restrict_weights optmode_short_energy optmode_short_force optmode_charge
    short_energy_group short_force_group charge_group force_grouping_by_structure charge_grouping_by_structure
    dynamic_force_grouping joint_energy_force_update element_decoupled_kalman element_decoupled_forces_v2
    use_atom_charges use_atom_energies remove_atom_energies use_charge_constraint fitmode energy_threshold
    force_threshold bond_threshold points_in_memory nblock mix_all_points max_force max_energy noise_energy
    noise_force noise_charge fixed_short_energy_error_threshold fixed_short_force_error_threshold fitting_unit
    runner_mode md_mode prepare_md initialization_only silent_mode debug_mode detailed_timing detailed_timing_epoch
    calculate_forces calculate_stress calculate_hessian calculate_frequencies calculate_normalmodes
    calculate_final_force check_forces check_input_forces enforce_max_num_neighbors_atomic use_omp_mkl
    print_mad print_sensitivity print_convergence_vector print_force_components print_date_and_time
    print_all_short_weights print_all_electrostatic_weights print_all_deshortdw print_all_dfshortdw
    analyze_error analyze_error_energy_step analyze_error_force_step analyze_error_charge_step analyze_composition
    environment_analysis weight_analysis symfunction_correlation find_contradictions data_clustering
    detect_saturation saturation_threshold ignore_prediction_error
    """)

  /// Electrostatics: without `use_electrostatics` and in generation 2 both n2p2 and RuNNer pass them over. In
  /// generations 3 and 4 these are honoured,
  static let charges: [String: Bool] = [
    "screen_electrostatics": false, "four_pi_epsilon": false,
    "global_hidden_layers_electrostatic": false, "global_nodes_electrostatic": false,
    "global_activation_electrostatic": false, "element_hidden_layers_electrostatic": true,
    "element_nodes_electrostatic": true, "element_activation_electrostatic": true,
    "symfunction_electrostatic": true, "element_symfunction_electrostatic": true,
    "global_symfunction_electrostatic": true, "scale_min_elec": false, "scale_max_elec": false,
  ]

  /// these in one of them alone,
  static let chargesOfGeneration: [String: (generation: Int, repeats: Bool)] = [
    "electrostatic_type": (3, false), "enforce_totcharge": (3, false), "use_electrostatics": (3, false),
    "fixed_gausswidth": (4, true),
  ]

  /// these do not matter (the sums' precision is the deck's),
  static let chargesElsewhere: Set<String> = words(
    """
    electrostatic_type use_gausswidth initial_hardness enforce_totcharge use_electrostatics ewald_alpha
    ewald_cutoff ewald_kmax ewald_prec ewald_truncation_error_method kspace_solver
    """)

  enum Treatment {
    case honoured, passedOver
    case refused(String)
  }

  static func treatment(of keyword: String, generation: Int) -> Treatment {
    if training.contains(keyword) { return .passedOver }
    let isCharge = charges[keyword] != nil || chargesOfGeneration[keyword] != nil
    if generation == 2 {
      if let term = unsupported[keyword] { return .refused(term) }
      return isCharge || chargesElsewhere.contains(keyword) || keyword == "fixed_charge" ? .passedOver : .honoured
    }
    if keyword == "fixed_charge" { return .refused("fixed charges") }
    if let only = chargesOfGeneration[keyword], only.generation == generation { return .honoured }
    if generation == 3, keyword == "fixed_gausswidth" || keyword == "use_gausswidth" {
      return .refused("generation 3 with charges of Gaussian shape")
    }
    if chargesElsewhere.contains(keyword) { return .passedOver }
    return unsupported[keyword].map { .refused($0) } ?? .honoured
  }

  /// Whether a keyword that is honoured may stand several times; nil for unknown ones.
  static func repeats(_ keyword: String) -> Bool? {
    prediction[keyword] ?? charges[keyword] ?? chargesOfGeneration[keyword]?.repeats
  }

  private static func words(_ text: String) -> Set<String> {
    Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
  }
}
