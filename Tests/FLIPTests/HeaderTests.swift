// The header and the exports are one interface: `same` takes two functions of one type only, so a signature that drifts from flip.h
// does not compile. Tests/python compares the list of names with the header and with the library.

import CFlip
import XCTest
import Basics
@testable import FLIP

private func same<F>(_ header: F, _ export: F) {}

final class HeaderTests: XCTestCase {
    func testEveryExportHasTheTypeOfTheHeader() {
        same(CFlip.flip_accountant_compose_gaussian, FLIP.flip_accountant_compose_gaussian)
        same(CFlip.flip_accountant_create, FLIP.flip_accountant_create)
        same(CFlip.flip_accountant_delta, FLIP.flip_accountant_delta)
        same(CFlip.flip_accountant_epsilon, FLIP.flip_accountant_epsilon)
        same(CFlip.flip_accountant_free, FLIP.flip_accountant_free)
        same(CFlip.flip_accountant_of_model, FLIP.flip_accountant_of_model)
        same(CFlip.flip_budget_charge, FLIP.flip_budget_charge)
        same(CFlip.flip_budget_create, FLIP.flip_budget_create)
        same(CFlip.flip_budget_free, FLIP.flip_budget_free)
        same(CFlip.flip_budget_open, FLIP.flip_budget_open)
        same(CFlip.flip_budget_remaining, FLIP.flip_budget_remaining)
        same(CFlip.flip_budget_report, FLIP.flip_budget_report)
        same(CFlip.flip_budget_settle, FLIP.flip_budget_settle)
        same(CFlip.flip_budget_spent, FLIP.flip_budget_spent)
        same(CFlip.flip_buffer_data, FLIP.flip_buffer_data)
        same(CFlip.flip_buffer_free, FLIP.flip_buffer_free)
        same(CFlip.flip_buffer_size, FLIP.flip_buffer_size)
        same(CFlip.flip_build_info, FLIP.flip_build_info)
        same(CFlip.flip_calibrate, FLIP.flip_calibrate)
        same(CFlip.flip_config_schema, FLIP.flip_config_schema)
        same(CFlip.flip_evaluate, FLIP.flip_evaluate)
        same(CFlip.flip_file_check, FLIP.flip_file_check)
        same(CFlip.flip_model_free, FLIP.flip_model_free)
        same(CFlip.flip_model_from_bytes, FLIP.flip_model_from_bytes)
        same(CFlip.flip_model_json, FLIP.flip_model_json)
        same(CFlip.flip_model_ledger, FLIP.flip_model_ledger)
        same(CFlip.flip_model_ledger_report, FLIP.flip_model_ledger_report)
        same(CFlip.flip_model_load, FLIP.flip_model_load)
        same(CFlip.flip_model_sample, FLIP.flip_model_sample)
        same(CFlip.flip_model_save, FLIP.flip_model_save)
        same(CFlip.flip_model_schema, FLIP.flip_model_schema)
        same(CFlip.flip_model_to_bytes, FLIP.flip_model_to_bytes)
        same(CFlip.flip_plan_create, FLIP.flip_plan_create)
        same(CFlip.flip_plan_create_under, FLIP.flip_plan_create_under)
        same(CFlip.flip_plan_epsilon, FLIP.flip_plan_epsilon)
        same(CFlip.flip_plan_explain, FLIP.flip_plan_explain)
        same(CFlip.flip_plan_explanation, FLIP.flip_plan_explanation)
        same(CFlip.flip_plan_free, FLIP.flip_plan_free)
        same(CFlip.flip_plan_json, FLIP.flip_plan_json)
        same(CFlip.flip_plan_memory, FLIP.flip_plan_memory)
        same(CFlip.flip_schema_free, FLIP.flip_schema_free)
        same(CFlip.flip_schema_json, FLIP.flip_schema_json)
        same(CFlip.flip_schema_parse, FLIP.flip_schema_parse)
        same(CFlip.flip_status_name, FLIP.flip_status_name)
        same(CFlip.flip_table_bound_persons, FLIP.flip_table_bound_persons)
        same(CFlip.flip_table_convert, FLIP.flip_table_convert)
        same(CFlip.flip_table_create, FLIP.flip_table_create)
        same(CFlip.flip_table_export, FLIP.flip_table_export)
        same(CFlip.flip_table_free, FLIP.flip_table_free)
        same(CFlip.flip_table_get_codes, FLIP.flip_table_get_codes)
        same(CFlip.flip_table_get_float64, FLIP.flip_table_get_float64)
        same(CFlip.flip_table_get_int64, FLIP.flip_table_get_int64)
        same(CFlip.flip_table_import, FLIP.flip_table_import)
        same(CFlip.flip_table_max_rows_per_person, FLIP.flip_table_max_rows_per_person)
        same(CFlip.flip_table_read_csv, FLIP.flip_table_read_csv)
        same(CFlip.flip_table_read_hdf5, FLIP.flip_table_read_hdf5)
        same(CFlip.flip_table_rows, FLIP.flip_table_rows)
        same(CFlip.flip_table_schema, FLIP.flip_table_schema)
        same(CFlip.flip_table_set_codes, FLIP.flip_table_set_codes)
        same(CFlip.flip_table_set_float64, FLIP.flip_table_set_float64)
        same(CFlip.flip_table_set_int64, FLIP.flip_table_set_int64)
        same(CFlip.flip_table_set_strings, FLIP.flip_table_set_strings)
        same(CFlip.flip_table_write_csv, FLIP.flip_table_write_csv)
        same(CFlip.flip_table_write_hdf5, FLIP.flip_table_write_hdf5)
        same(CFlip.flip_train, FLIP.flip_train)
        same(CFlip.flip_trainer_cancel, FLIP.flip_trainer_cancel)
        same(CFlip.flip_trainer_checkpoint, FLIP.flip_trainer_checkpoint)
        same(CFlip.flip_trainer_create, FLIP.flip_trainer_create)
        same(CFlip.flip_trainer_finish, FLIP.flip_trainer_finish)
        same(CFlip.flip_trainer_free, FLIP.flip_trainer_free)
        same(CFlip.flip_trainer_ledger, FLIP.flip_trainer_ledger)
        same(CFlip.flip_trainer_plan, FLIP.flip_trainer_plan)
        same(CFlip.flip_trainer_resume, FLIP.flip_trainer_resume)
        same(CFlip.flip_trainer_resume_under, FLIP.flip_trainer_resume_under)
        same(CFlip.flip_trainer_step, FLIP.flip_trainer_step)
        same(CFlip.flip_version, FLIP.flip_version)
    }

    func testTheVersionIsTheHeaders() {
        XCTAssertEqual(FLIP.flip_version(), UInt32(FLIP_VERSION_MAJOR * 1_000_000 + FLIP_VERSION_MINOR * 1_000 + FLIP_VERSION_PATCH))
        XCTAssertEqual(libraryVersion, "\(FLIP_VERSION_MAJOR).\(FLIP_VERSION_MINOR).\(FLIP_VERSION_PATCH)")
    }

    func testTheErrorStructHasTheSizeThatHostsRelyOn() {
        XCTAssertEqual(MemoryLayout<flip_error>.size, 1024)
        XCTAssertEqual(MemoryLayout<flip_progress>.size, 72)
        XCTAssertEqual(MemoryLayout<flip_event>.size, 16)
    }
}
