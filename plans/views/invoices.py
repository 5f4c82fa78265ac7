"""An organization's invoices, as Stripe wrote them."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from djstripe import models as djstripe

from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from payments.models import Customer
from payments.stripe_objects import StripeInvoice
from plans.presentation import invoice_row

PER_PAGE = 24


@organization_page(Permission.VIEW)
def invoices(request: OrganizationRequest) -> HttpResponse:
    customer = Customer.objects.filter(organization=request.organization).values_list("stripe_id", flat=True).first()
    mirrored = djstripe.Invoice.objects.filter(customer__id=customer).exclude(stripe_data__status="draft")
    page = Paginator(mirrored.order_by("-created", "-id"), PER_PAGE).get_page(request.GET.get("page"))
    rows = [invoice_row(StripeInvoice.of(invoice.stripe_data)) for invoice in page]
    return render(request, "plans/invoices.html", {"page": page, "rows": rows})
